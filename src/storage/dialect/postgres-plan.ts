import pg from 'pg'
import type { CommitResult, Row, WriteStatement } from '../database.ts'
import type { PostgresBatches } from './postgres-batches.ts'
import type { Executed } from './postgres-connection.ts'
import { errorOf } from './postgres-errors.ts'
import type { Landed, Leg } from './postgres-flight.ts'
import { type Placed, PostgresSlots, type Slot } from './postgres-slots.ts'
import { FENCED, type PostgresVariants } from './postgres-variants.ts'

/** How statements are put together, and made into those that the server can execute unseen. */
export interface Means {
  readonly batches: PostgresBatches
  readonly variants: PostgresVariants
  /** A statement without parameters. */
  plain(sql: string): Leg
}

export type SetOutcome = CommitResult | Error

/** What a set hands back: the rows of its statements, by their names. */
export type Returned = Readonly<Record<string, readonly Row[]>>

/** Sets that are to be executed. */
export interface Pending {
  readonly sets: readonly Placed[]
  /** So many of the first have succeeded before and will again: they are put behind a savepoint. */
  readonly proven: number
  /** Whether inserts of several sets go together. One that is refused may be that of any of them. */
  readonly merged: boolean
}

/** What became of them. */
export interface Judgement {
  /** So many of the first have succeeded, and are not taken back with those after them; and what these hand back. */
  readonly done: number
  readonly returned: readonly Returned[]
  /** The first that failed, if one did and that is known. */
  readonly failure?: { readonly index: number; readonly outcome: SetOutcome }
}

export const SAVEPOINT = 'SAVEPOINT write_sets'

/** How some sets are executed: the legs of a flight, and how to read what became of them. */
export class PostgresPlan {
  readonly legs: readonly Leg[]
  /** Whether the server judges all guards and nothing is handed back: such sets may be committed without a look at them. */
  readonly isFenced: boolean
  readonly #pending: Pending
  /** Of each statement of each set. */
  readonly #slots: readonly (readonly (readonly Slot[])[])[]
  /** Where the legs of each slot are. */
  readonly #spans = new Map<Slot, { readonly from: number; readonly to: number }>()
  /** The place of the savepoint behind which the proven ones are. */
  readonly #savepoint: number

  constructor(pending: Pending, means: Means) {
    const { sets, proven, merged } = pending
    this.#pending = pending
    const legs: Leg[] = []
    const add = (some: readonly Placed[]) => {
      const slots = new PostgresSlots(means.batches)
      const taken = some.map(one => one.set.statements.map(statement => slots.add(statement, one, merged)))
      for (const slot of slots.all) {
        const from = legs.length
        legs.push(...legsOf(slot, means))
        this.#spans.set(slot, { from, to: legs.length })
      }
      return taken
    }
    const first = add(sets.slice(0, proven))
    this.#savepoint = legs.length
    if (proven > 0) legs.push(means.plain(SAVEPOINT))
    this.#slots = [...first, ...add(sets.slice(proven))]
    this.legs = legs
    this.isFenced = sets.every(({ set }, index) =>
      set.statements.every(
        (statement, at) =>
          statement.returning === undefined && !isCountedHere(statement, this.#slots[index]?.[at]),
      ),
    )
  }

  /** Reads what became of the legs, and of nothing else. */
  judge({ executed, error }: Landed): Judgement {
    if (error === undefined && this.isFenced) return { done: this.#pending.sets.length, returned: [] }
    const failure = this.#failure({ executed, error })
    const { sets, proven } = this.#pending
    const isSaved = executed.length > this.#savepoint && (failure === undefined || failure.index >= proven)
    const done = error === undefined && failure === undefined ? sets.length : isSaved ? proven : 0
    const returned = sets.slice(0, done).map((_, index) => this.#returned(index, executed))
    return { done, returned, ...(failure === undefined ? {} : { failure }) }
  }

  #failure({ executed, error }: Landed): Judgement['failure'] {
    const refused = error === undefined ? undefined : this.#slotAt(executed.length)
    for (const [index, { place, set }] of this.#pending.sets.entries()) {
      for (const [at, statement] of set.statements.entries()) {
        const slots = this.#slots[index]?.[at] ?? []
        const done = this.#executed(slots, executed)
        if (done === undefined || statement.guard === undefined || !isCountedHere(statement, slots)) continue
        const affected = done.reduce((sum, { count }) => sum + count, 0)
        const { name, expected } = statement.guard
        if (affected !== expected) return { index, outcome: { ok: false, guard: name } }
      }
      if (refused?.owner === place) return { index, outcome: outcomeOf(error, refused) }
    }
    return undefined
  }

  #returned(index: number, executed: readonly Executed[]): Returned {
    const returned: Record<string, readonly Row[]> = {}
    for (const [at, { returning }] of (this.#pending.sets[index]?.set.statements ?? []).entries()) {
      if (returning === undefined) continue
      const done = this.#executed(this.#slots[index]?.[at] ?? [], executed) ?? []
      returned[returning] = done.flatMap(({ rows }) => rows)
    }
    return returned
  }

  /** What slots came to, if they have all been executed. */
  #executed(slots: readonly Slot[], executed: readonly Executed[]): readonly Executed[] | undefined {
    const spans = slots.flatMap(slot => this.#spans.get(slot) ?? [])
    return spans.every(({ to }) => to <= executed.length)
      ? spans.flatMap(({ from, to }) => executed.slice(from, to))
      : undefined
  }

  #slotAt(leg: number): Slot | undefined {
    for (const [slot, { from, to }] of this.#spans) if (from <= leg && leg < to) return slot
    return undefined
  }
}

const legsOf = ({ prepared, rows, positions, fence, hasRows }: Slot, { batches, variants }: Means): Leg[] =>
  batches.of(prepared, rows).map(one => ({
    prepared: variants.of(one.prepared, {
      positions: one.rows === 1 ? positions : Array.from({ length: one.rows }, () => positions).flat(),
      fence: fence === 'all' ? one.rows : fence,
    }),
    parameters: one.parameters,
    hasRows,
  }))

/** Whether a statement has a guard that the server does not judge. */
const isCountedHere = ({ guard }: WriteStatement, slots: readonly Slot[] = []): boolean =>
  guard !== undefined && !(slots.length > 0 && slots.every(({ fence }) => fence !== undefined))

const outcomeOf = (error: unknown, { guard }: Slot): SetOutcome =>
  guard !== undefined && error instanceof pg.DatabaseError && error.code === FENCED
    ? { ok: false, guard }
    : errorOf(error)
