/** One element of a client's wish: what is `undefined` matches everything. */
interface Element {
  readonly type: string | undefined
  readonly stateKey: string | undefined
}

/** What one rule wants; members that are loaded lazily only come by their own state keys. */
export interface Wish {
  readonly elements: readonly Element[]
  readonly lazyMembers: boolean
}

const MEMBER = 'm.room.member'

const elementKey = ({ type, stateKey }: Element): string => JSON.stringify([type ?? null, stateKey ?? null])

/** The same as one wish at most of either sort, each element once: of many rules most say the same. */
const merged = (wishes: readonly Wish[]): Wish[] =>
  [false, true].flatMap(lazyMembers => {
    const ofSort = wishes.filter(wish => wish.lazyMembers === lazyMembers)
    const elements = new Map(ofSort.flatMap(wish => wish.elements).map(one => [elementKey(one), one]))
    return ofSort.length === 0 ? [] : [{ elements: [...elements.values()], lazyMembers }]
  })

/** Which state one wish is met by, without going through its elements. */
class WishIndex {
  readonly #lazyMembers: boolean
  /** Types of which every state key is wanted (`undefined`: any type). */
  readonly #whole = new Set<string | undefined>()
  /** State keys that are named, by type. */
  readonly #byType = new Map<string | undefined, Set<string>>()

  constructor({ elements, lazyMembers }: Wish) {
    this.#lazyMembers = lazyMembers
    for (const { type, stateKey } of elements) {
      const known = this.#byType.get(type)
      if (stateKey === undefined) this.#whole.add(type)
      else if (known === undefined) this.#byType.set(type, new Set([stateKey]))
      else known.add(stateKey)
    }
  }

  matches(type: string, stateKey: string): boolean {
    return this.#holds(type, type, stateKey) || this.#holds(undefined, type, stateKey)
  }

  #holds(named: string | undefined, type: string, stateKey: string): boolean {
    const isWhole = this.#whole.has(named) && !(this.#lazyMembers && type === MEMBER)
    return isWhole || this.#byType.get(named)?.has(stateKey) === true
  }
}

/** Which of a room's state a client wants to have: the union of what its rules say. */
export class RequiredState {
  /** Equal for equal wishes. */
  readonly key: string
  /** "The server will return the membership events for all the `senders` of events in `timeline`." */
  readonly lazyMembers: boolean
  readonly allMembers: boolean
  /** Users whose memberships are always wanted. */
  readonly memberKeys: readonly string[]
  /** State of any type may be wanted. */
  readonly anyType: boolean
  /** The types that are wanted, but for members; where it is any type, those that are named beside. */
  readonly types: readonly string[]
  /** What it was made of. */
  readonly wishes: readonly Wish[]
  readonly #indexes: readonly WishIndex[]
  /** One by one, as texts. */
  readonly #elementKeys: ReadonlySet<string>
  /** Of those that this was compared with already whether it asks for more: many rooms were sent by the same. */
  readonly #more = new WeakMap<RequiredState, boolean>()

  constructor(wishes: readonly Wish[]) {
    this.wishes = merged(wishes)
    const elements = this.wishes.flatMap(wish => wish.elements)
    this.allMembers = this.wishes.some(
      wish =>
        !wish.lazyMembers &&
        wish.elements.some(({ type, stateKey }) => stateKey === undefined && (type ?? MEMBER) === MEMBER),
    )
    this.lazyMembers = !this.allMembers && this.wishes.some(wish => wish.lazyMembers)
    this.memberKeys = [
      ...new Set(
        elements.flatMap(({ type, stateKey }) => ((type ?? MEMBER) === MEMBER ? (stateKey ?? []) : [])),
      ),
    ]
    this.anyType = elements.some(({ type }) => type === undefined)
    this.types = [...new Set(elements.flatMap(({ type }) => (type === MEMBER ? [] : (type ?? []))))]
    this.#indexes = this.wishes.map(wish => new WishIndex(wish))
    this.#elementKeys = new Set(
      this.wishes.flatMap(({ elements: wanted, lazyMembers }) => [
        ...wanted.map(one => `${elementKey(one)} ${lazyMembers}`),
        ...(lazyMembers ? ['lazy'] : []),
      ]),
    )
    this.key = [...this.#elementKeys].sort().join()
  }

  /** How many elements it has. */
  get size(): number {
    return this.wishes.reduce((sum, { elements }) => sum + elements.length, 0)
  }

  /** The union of several. */
  static union(all: readonly RequiredState[]): RequiredState {
    return new RequiredState(all.flatMap(one => one.wishes))
  }

  /** Whether there may be state that this one wants and another does not. */
  asksForMoreThan(other: RequiredState | undefined): boolean {
    if (other === undefined) return this.#elementKeys.size > 0
    const known = this.#more.get(other) ?? !this.#elementKeys.isSubsetOf(other.#elementKeys)
    this.#more.set(other, known)
    return known
  }

  matches(type: string, stateKey: string): boolean {
    return this.#indexes.some(index => index.matches(type, stateKey))
  }
}

/**
 * Reads `required_state` as clients send it today: pairs of type and state key, of which either may be `*`; `$ME` is the
 * user, and `["m.room.member", "$LAZY"]` has members loaded lazily.
 */
export const requiredStateOfPairs = (
  pairs: readonly (readonly [string, string])[],
  userId: string,
): RequiredState => {
  const isLazy = ([type, stateKey]: readonly [string, string]): boolean =>
    type === MEMBER && stateKey === '$LAZY'
  const elements = pairs
    .filter(pair => !isLazy(pair))
    .map(([type, stateKey]) => ({
      type: type === '*' ? undefined : type,
      stateKey: stateKey === '*' ? undefined : stateKey === '$ME' ? userId : stateKey,
    }))
  return new RequiredState([{ elements, lazyMembers: pairs.some(isLazy) }])
}
