import type {
  Prepared,
  SqlList,
  SqlParameter,
  SqlValue,
  StreamName,
  WriteSet,
  WriteStatement,
} from '../database.ts'
import type { PostgresBatches } from './postgres-batches.ts'
import { isPosition } from './postgres-variants.ts'
import { UNKEPT } from './statements.ts'

/** A set of a group. */
export interface Placed {
  /** Its place in the group. */
  readonly place: number
  readonly set: WriteSet
  /** How far before the last position that the group takes of a stream its first one is. */
  readonly back: ReadonlyMap<StreamName, number>
}

/** Rows of a statement of one set, or of the same statement of several. */
export interface Slot {
  readonly prepared: Prepared
  /** Of each parameter of a row: the stream of which it is a position. */
  readonly positions: readonly (StreamName | undefined)[]
  readonly rows: (readonly (SqlValue | SqlList)[])[]
  /** What the server itself makes sure of: that all rows are inserted, or that so many are affected. */
  readonly fence: Fence
  readonly guard: string | undefined
  readonly hasRows: boolean
  /** The place of the set whose it is; of none if it is that of several. */
  owner: number | undefined
}

type Fence = 'all' | number | undefined

/**
 * Puts the statements of several sets one after the other, and inserts of several sets together. What is stored in the end is the same as
 * if the sets were executed one by one: an insert joins an earlier one only where no statement in between so much as mentions its table,
 * or one that it reads.
 */
export class PostgresSlots {
  readonly all: Slot[] = []
  readonly #batches: PostgresBatches
  /** The last slot of each kind of insert. */
  readonly #inserts = new Map<string, number>()
  /** The last slot whose statement has a word in it. */
  readonly #mentions = new Map<string, number>()

  constructor(batches: PostgresBatches) {
    this.#batches = batches
  }

  /** Finds room for a statement; `merged`: also among the rows of other statements. Answers the slots that have its rows. */
  add(statement: WriteStatement, { place, back }: Placed, merged: boolean): readonly Slot[] {
    const { prepared, guard, returning, rows } = statement
    const touched = this.#batches.tablesOf(prepared)
    const fence = fenceOf(statement, touched !== undefined)
    const tables = typeof fence === 'number' ? undefined : touched
    const taken = new Set<Slot>()
    for (const row of rows) {
      const positions = row.map(parameter => (isPosition(parameter) ? parameter.stream : undefined))
      const key = `${prepared.id} ${positions.join()} ${guard?.name} ${returning}`
      const parameters = row.map(parameter => parameterOf(parameter, back))
      const open = tables === undefined ? undefined : this.#open(key, tables)
      if (open !== undefined && (taken.has(open) || (merged && returning === undefined))) {
        open.rows.push(parameters)
        if (open.owner !== place) open.owner = undefined
        taken.add(open)
      } else {
        const hasRows = returning !== undefined
        taken.add(
          this.#put(
            { prepared, positions, rows: [parameters], fence, guard: guard?.name, hasRows, owner: place },
            tables === undefined ? undefined : key,
          ),
        )
      }
    }
    return [...taken]
  }

  /** The slot that one more row of a kind may join. */
  #open(key: string, tables: readonly string[]): Slot | undefined {
    const last = this.#inserts.get(key)
    const isOpen = last !== undefined && tables.every(table => (this.#mentions.get(table) ?? last) <= last)
    return isOpen ? this.all[last] : undefined
  }

  #put(slot: Slot, key: string | undefined): Slot {
    const at = this.all.push(slot) - 1
    for (const word of wordsOf(slot.prepared)) this.#mentions.set(word, at)
    if (key !== undefined) this.#inserts.set(key, at)
    return slot
  }
}

/** Gives sets of a group their positions; answers also how many of each stream are taken. */
export const placeAll = (
  sets: readonly WriteSet[],
): { placed: readonly Placed[]; counts: readonly (readonly [StreamName, number])[] } => {
  const counts = new Map<StreamName, number>()
  const firsts = sets.map(set => {
    const first = new Map<StreamName, number>()
    for (const [stream, count] of positionsNamed(set)) {
      const before = counts.get(stream) ?? 0
      first.set(stream, before)
      counts.set(stream, before + count)
    }
    return first
  })
  const placed = sets.map((set, place) => {
    const back = [...(firsts[place] ?? [])].map(
      ([stream, first]) => [stream, (counts.get(stream) ?? 0) - 1 - first] as const,
    )
    return { place, set, back: new Map(back) }
  })
  // In one order everywhere, so that processes never wait for each other in a circle.
  return { placed, counts: [...counts].sort(([a], [b]) => (a < b ? -1 : 1)) }
}

/** How many positions of each stream a set needs. */
const positionsNamed = (set: WriteSet): ReadonlyMap<StreamName, number> => {
  const counts = new Map<StreamName, number>()
  for (const { rows } of set.statements) {
    for (const row of rows) {
      for (const parameter of row) {
        if (!isPosition(parameter)) continue
        counts.set(parameter.stream, Math.max(counts.get(parameter.stream) ?? 0, parameter.offset + 1))
      }
    }
  }
  return counts
}

const words = new Map<number, ReadonlySet<string>>()

const wordsOf = ({ id, sql }: Prepared): ReadonlySet<string> => {
  const known = words.get(id)
  if (known !== undefined) return known
  const found = new Set(sql.match(/\w+/g))
  if (id !== UNKEPT) words.set(id, found)
  return found
}

/** Whether the server can judge the guard of a statement by what one execution affects; rows to be handed back are judged with their count. */
const fenceOf = ({ guard, returning, rows }: WriteStatement, isInsert: boolean): Fence => {
  if (guard === undefined || returning !== undefined) return undefined
  if (isInsert && guard.expected === rows.length) return 'all'
  return rows.length === 1 ? guard.expected : undefined
}

const parameterOf = (parameter: SqlParameter, back: ReadonlyMap<StreamName, number>): SqlValue | SqlList => {
  if (isPosition(parameter)) return (back.get(parameter.stream) ?? 0) - parameter.offset
  return parameter
}
