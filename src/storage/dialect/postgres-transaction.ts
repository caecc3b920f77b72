import type {
  CommitResult,
  Prepared,
  Row,
  SqlList,
  SqlParameter,
  SqlValue,
  StreamName,
  StreamPosition,
  WriteSet,
} from '../database.ts'
import type { CommitMarks } from './commit-marks.ts'
import { type Moved, storedPosition } from './positions.ts'
import type { PostgresBatches } from './postgres-batches.ts'
import type { Executed, PostgresConnection } from './postgres-connection.ts'
import { errorOf, isConflict, isLost } from './postgres-errors.ts'
import { CHANNEL, encodeMoved } from './postgres-listener.ts'

/** Statements that the transaction itself needs. */
export interface TransactionStatements {
  /** (name, count) → the position after taking `count` of them; locks the stream until the commit. */
  readonly takePositions: Prepared
  /** (channel, payload) */
  readonly notify: Prepared
  readonly batches: PostgresBatches
  readonly marks: CommitMarks
}

export type SetOutcome = CommitResult | Error

/**
 * One group of write sets in one transaction. Statements go out without waiting for each other; the outcome is
 * read once all are answered. Failures are rare, so no time is spent to fence each set: when one fails, the span that
 * went out with it is taken back and sent again without it.
 *
 * Positions are taken first: the lock that this puts on a stream is held until the commit, so all processes that
 * write to a stream commit in the order of its positions.
 */
export class PostgresTransaction {
  readonly #connection: PostgresConnection
  readonly #statements: TransactionStatements
  readonly #sets: readonly WriteSet[]
  /** The first position of each set in each stream it names. */
  #firsts: readonly ReadonlyMap<StreamName, number>[] = []
  /** One for each set, once known. */
  readonly outcomes: SetOutcome[]
  moved: Moved = []
  /** Set once the commit has been sent: from then on a lost connection leaves open whether it happened. */
  isCommitting = false
  /** By which it is found out then. */
  readonly serial: number

  constructor(connection: PostgresConnection, statements: TransactionStatements, sets: readonly WriteSet[]) {
    this.#connection = connection
    this.#statements = statements
    this.#sets = sets
    this.outcomes = new Array(sets.length)
    this.serial = statements.marks.next()
  }

  /** Fills in `outcomes` and `moved` and commits. Throws the driver's error when the group as a whole failed. */
  async execute(): Promise<void> {
    await this.#begin()
    let pending = [...this.#sets.keys()]
    let size = pending.length
    while (pending.length > 0) {
      const span = pending.slice(0, size)
      const failed = await this.#executeSpan(span)
      if (failed === undefined) {
        pending = pending.slice(span.length)
        size = 2 * span.length
      } else {
        pending = pending.toSpliced(failed, 1)
        // What stood before it has just succeeded, and will again.
        size = Math.max(1, failed)
      }
    }
    await this.#commit()
  }

  async #begin(): Promise<void> {
    const named = this.#sets.map(positionsNamed)
    const totals = new Map<StreamName, number>()
    for (const counts of named)
      for (const [stream, count] of counts) totals.set(stream, (totals.get(stream) ?? 0) + count)
    // In one order everywhere, so that processes never wait for each other in a circle.
    const streams = [...totals].sort(([a], [b]) => (a < b ? -1 : 1))
    const connection = this.#connection
    const [, , ...taken] = await Promise.all(
      connection.together(() => [
        connection.run('BEGIN ISOLATION LEVEL READ COMMITTED'),
        this.#statements.marks.mark(connection, this.serial),
        ...streams.map(stream => connection.execute(this.#statements.takePositions, stream)),
      ]),
    )
    this.moved = streams.map(([stream], index) => [stream, Number(taken[index]?.rows[0]?.['position'])])
    const next = new Map(this.moved.map(([stream, last]) => [stream, last - (totals.get(stream) ?? 0) + 1]))
    this.#firsts = named.map(counts => {
      const firsts = new Map<StreamName, number>()
      for (const [stream, count] of counts) {
        const first = next.get(stream) ?? 0
        firsts.set(stream, first)
        next.set(stream, first + count)
      }
      return firsts
    })
  }

  /** Executes some sets; answers the place in `span` of the first that failed, having taken all of them back. */
  async #executeSpan(span: readonly number[]): Promise<number | undefined> {
    const connection = this.#connection
    const [, ...answered] = await Promise.all(
      connection.together(() => [
        connection.run('SAVEPOINT write_sets'),
        ...span.map(index => Promise.all(this.#send(index))),
      ]),
    )
    for (const [place, index] of span.entries()) {
      const outcome = this.#judge(index, answered[place] ?? [])
      this.outcomes[index] = outcome
      if (outcome instanceof Error || !outcome.ok) {
        await connection.run('ROLLBACK TO write_sets')
        return place
      }
    }
    return undefined
  }

  /** Sends a set's statements; each answers its executions, or what went wrong with the first that failed. */
  #send(index: number): Promise<Executed[] | Error>[] {
    const firsts = this.#firsts[index] ?? new Map<StreamName, number>()
    const resolve = (parameter: SqlParameter): SqlValue | SqlList =>
      isPosition(parameter)
        ? storedPosition(parameter.stream, (firsts.get(parameter.stream) ?? 0) + parameter.offset)
        : parameter
    const statements = this.#sets[index]?.statements ?? []
    return statements.map(({ prepared, rows }) => {
      const resolved = rows.map(row => row.map(resolve))
      const executions = this.#statements.batches.of(prepared, resolved)
      return Promise.all(executions.map(one => this.#connection.execute(one.prepared, one.parameters))).catch(
        (error: unknown) => {
          if (isLost(error) || isConflict(error)) throw error
          return errorOf(error)
        },
      )
    })
  }

  #judge(index: number, answered: readonly (Executed[] | Error)[]): SetOutcome {
    const returned: Record<string, readonly Row[]> = {}
    for (const [place, { guard, returning }] of (this.#sets[index]?.statements ?? []).entries()) {
      const executed = answered[place] ?? []
      if (executed instanceof Error) return executed
      const affected = executed.reduce((sum, { count }) => sum + count, 0)
      if (guard !== undefined && affected !== guard.expected) return { ok: false, guard: guard.name }
      if (returning !== undefined) returned[returning] = executed.flatMap(({ rows }) => rows)
    }
    return { ok: true, positions: Object.fromEntries(this.#firsts[index] ?? []), returned }
  }

  async #commit(): Promise<void> {
    const connection = this.#connection
    if (this.outcomes.every(outcome => outcome instanceof Error || !outcome.ok)) {
      this.moved = []
      await connection.run('ROLLBACK')
      return
    }
    this.isCommitting = true
    const { notify } = this.#statements
    const [, committed] = await Promise.all(
      connection.together(() => [
        this.moved.length > 0 ? connection.execute(notify, [CHANNEL, encodeMoved(this.moved)]) : undefined,
        connection.run('COMMIT'),
      ]),
    )
    if (committed?.command !== 'COMMIT') throw new Error('the transaction was rolled back')
  }
}

const isPosition = (parameter: SqlParameter): parameter is StreamPosition =>
  typeof parameter === 'object' && parameter !== null && 'stream' in parameter

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
