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

const elementKeys = ({ elements, lazyMembers }: Wish): string[] => [
  ...elements.map(element => JSON.stringify([element.type ?? null, element.stateKey ?? null, lazyMembers])),
  ...(lazyMembers ? ['lazy'] : []),
]

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

  constructor(wishes: readonly Wish[]) {
    const elements = wishes.flatMap(wish => wish.elements)
    this.wishes = wishes
    this.key = [...new Set(wishes.map(wish => JSON.stringify(wish)))].sort().join()
    this.allMembers = wishes.some(
      wish =>
        !wish.lazyMembers &&
        wish.elements.some(({ type, stateKey }) => stateKey === undefined && (type ?? MEMBER) === MEMBER),
    )
    this.lazyMembers = !this.allMembers && wishes.some(wish => wish.lazyMembers)
    this.memberKeys = [
      ...new Set(
        elements.flatMap(({ type, stateKey }) => ((type ?? MEMBER) === MEMBER ? (stateKey ?? []) : [])),
      ),
    ]
    this.anyType = elements.some(({ type }) => type === undefined)
    this.types = [...new Set(elements.flatMap(({ type }) => (type === MEMBER ? [] : (type ?? []))))]
  }

  /** The union of several. */
  static union(all: readonly RequiredState[]): RequiredState {
    return new RequiredState(all.flatMap(one => one.wishes))
  }

  /** Whether there may be state that this one wants and another does not. */
  asksForMoreThan(other: RequiredState | undefined): boolean {
    const known = new Set(other === undefined ? [] : other.wishes.flatMap(elementKeys))
    return this.wishes.flatMap(elementKeys).some(key => !known.has(key))
  }

  matches(type: string, stateKey: string): boolean {
    return this.wishes.some(({ elements, lazyMembers }) =>
      elements.some(
        element =>
          (element.type ?? type) === type &&
          (element.stateKey ?? stateKey) === stateKey &&
          !(lazyMembers && type === MEMBER && element.stateKey === undefined),
      ),
    )
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
