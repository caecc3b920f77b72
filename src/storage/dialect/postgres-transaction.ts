import type { Prepared, StreamName, WriteSet } from '../database.ts'
import type { CommitMarks } from './commit-marks.ts'
import type { Moved } from './positions.ts'
import type { Executed, PostgresConnection } from './postgres-connection.ts'
import { isConflict } from './postgres-errors.ts'
import type { Leg } from './postgres-flight.ts'
import {
  type Means,
  type Pending,
  PostgresPlan,
  type Returned,
  SAVEPOINT,
  type SetOutcome,
} from './postgres-plan.ts'
import { type Placed, placeAll } from './postgres-slots.ts'
import { settingOf } from './postgres-variants.ts'

/** What a transaction consists of beside the statements of the sets. */
export interface TransactionMeans extends Means {
  /** (name, count, setting) → the position after taking `count` of them; locks the stream until the commit. */
  readonly takePositions: Prepared
  readonly marks: CommitMarks
}

/**
 * One group of write sets in one transaction, and nearly always in one flight: the server takes the positions, executes all sets,
 * judges their guards and commits by itself, so that its locks are held for no longer than that takes, however busy this process is.
 * Where rows are handed back the commit waits for them, since they would be lost with its answer.
 *
 * Failures are rare, so no time is spent to fence each set: when one fails, those that went out with it are taken back and
 * sent again without it.
 *
 * Positions are taken first: the lock that this puts on a stream is held until the commit, so all processes that
 * write to a stream commit in the order of its positions.
 */
export class PostgresTransaction {
  readonly #connection: PostgresConnection
  readonly #means: TransactionMeans
  readonly #sets: readonly Placed[]
  /** How many positions of each stream are taken. */
  readonly #counts: readonly (readonly [StreamName, number])[]
  readonly #returned = new Map<Placed, Returned>()
  readonly #failures = new Map<Placed, SetOutcome>()
  #moved: Moved = []
  /** Whether the commit has been sent and not been answered: if the connection is lost now, that leaves open whether it happened. */
  isCommitting = false
  /** By which it is found out then. */
  readonly serial: number

  constructor(connection: PostgresConnection, means: TransactionMeans, sets: readonly WriteSet[]) {
    this.#connection = connection
    this.#means = means
    const { placed, counts } = placeAll(sets)
    this.#sets = placed
    this.#counts = counts
    this.serial = means.marks.next()
  }

  /** How far it has moved its streams. */
  get moved(): Moved {
    return this.#moved
  }

  /** One for each set. */
  get outcomes(): SetOutcome[] {
    const last = new Map(this.#moved)
    return this.#sets.map(one => {
      const positions = [...one.back].map(([stream, back]) => [stream, (last.get(stream) ?? 0) - back])
      const returned = this.#returned.get(one) ?? {}
      return this.#failures.get(one) ?? { ok: true, positions: Object.fromEntries(positions), returned }
    })
  }

  /** Executes all sets and commits those that succeed. Throws the driver's error when the group as a whole failed. */
  async execute(): Promise<void> {
    const { plain } = this.#means
    let opening = [plain('BEGIN ISOLATION LEVEL READ COMMITTED'), ...this.#takes(), plain(SAVEPOINT)]
    let pending: Pending | undefined = { sets: this.#sets, proven: 0, merged: true }
    for (;;) {
      pending = await this.#attempt(opening, pending)
      if (pending === undefined) return
      if (this.#failures.size === this.#sets.length) break
      opening = [plain('ROLLBACK TO write_sets')]
    }
    this.#moved = []
    await this.#connection.fly([plain('ROLLBACK')])
  }

  /** Takes over that it was committed, where the answer to that was lost. */
  committed(moved: Moved): void {
    this.#moved = moved
  }

  /** One flight, with the commit if that can be. Answers what has to be sent again, because a set has failed. */
  async #attempt(opening: readonly Leg[], pending: Pending): Promise<Pending | undefined> {
    const plan = new PostgresPlan(pending, this.#means)
    this.isCommitting = plan.isFenced
    const closing = plan.isFenced ? this.#closing() : []
    const { executed, error } = await this.#connection.fly([...opening, ...plan.legs, ...closing])
    const end = opening.length + plan.legs.length
    const isOfPlan = executed.length >= opening.length && executed.length < end
    if (error !== undefined && (isConflict(error) || !isOfPlan)) throw error
    if (this.#moved.length === 0) this.#readPositions(executed)
    const { done, returned, failure } = plan.judge({ executed: executed.slice(opening.length, end), error })
    const { sets, merged, proven } = pending
    for (const [index, one] of sets.slice(0, done).entries()) this.#returned.set(one, returned[index] ?? {})
    if (done === sets.length && error === undefined) {
      if (plan.isFenced) checkCommitted(executed)
      else await this.#commit()
      return undefined
    }
    this.isCommitting = false
    const left = sets.slice(done)
    if (failure === undefined) {
      if (!merged) throw error
      return { sets: left, proven: done === 0 ? proven : 0, merged: false }
    }
    const failed = sets[failure.index]
    if (failed !== undefined) this.#failures.set(failed, failure.outcome)
    return { sets: left.filter(one => one !== failed), proven: failure.index - done, merged }
  }

  async #commit(): Promise<void> {
    this.isCommitting = true
    const { executed, error } = await this.#connection.fly(this.#closing())
    if (error !== undefined) throw error
    checkCommitted(executed)
  }

  /** Takes positions: the one after the last of them goes into a setting of the transaction, for the statements that store them. */
  #takes(): Leg[] {
    return this.#counts.map(([stream, count]) => ({
      prepared: this.#means.takePositions,
      parameters: [stream, count, settingOf(stream)],
      hasRows: true,
    }))
  }

  #readPositions(executed: readonly Executed[]): void {
    this.#moved = this.#counts.map(([stream], index) => [
      stream,
      Number(executed[index + 1]?.rows[0]?.['position']),
    ])
  }

  #closing(): Leg[] {
    const streams = this.#counts.map(([stream]) => stream)
    return [this.#means.marks.leg(this.serial, streams), this.#means.plain('COMMIT')]
  }
}

const checkCommitted = (executed: readonly Executed[]): void => {
  if (executed.at(-1)?.command !== 'COMMIT') throw new Error('the transaction was rolled back')
}
