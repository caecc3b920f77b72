import { randomUUID } from 'node:crypto'
import type { Prepared } from '../database.ts'
import type { Executed, PostgresConnection } from './postgres-connection.ts'

const NOW = 'CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)'
const WEEK_MS = 7 * 24 * 60 * 60_000

/**
 * Tells whether a transaction was committed whose commit was sent and never answered. Each transaction of a process writes
 * its own number into the row of the process; what stands there afterwards was committed. The server's own transaction
 * numbers do not tell: one that was lost with a crash is given to another transaction after that (`pg_xact_status` calls
 * it committed then).
 */
export class CommitMarks {
  readonly #process = randomUUID()
  readonly #mark: Prepared
  readonly #read: Prepared
  readonly #clean: Prepared
  #serial = 0

  constructor(prepare: (sql: string) => Prepared) {
    this.#mark = prepare(
      `INSERT INTO commit_marks (process, serial, marked_ts) VALUES (?, ?, ${NOW})
       ON CONFLICT (process) DO UPDATE SET serial = excluded.serial, marked_ts = excluded.marked_ts`,
    )
    // A write, so that it waits for the end of a transaction that still holds the row.
    this.#read = prepare(
      `INSERT INTO commit_marks (process, serial, marked_ts) VALUES (?, 0, ${NOW})
       ON CONFLICT (process) DO UPDATE SET marked_ts = excluded.marked_ts RETURNING serial`,
    )
    this.#clean = prepare(
      `DELETE FROM commit_marks WHERE process = ? OR marked_ts < ${NOW} - CAST(${WEEK_MS} AS bigint)`,
    )
  }

  /** The number of the next transaction. */
  next(): number {
    this.#serial += 1
    return this.#serial
  }

  /** Marks the transaction that is open on a connection; once answered, the row is held until that ends. */
  mark(connection: PostgresConnection, serial: number): Promise<Executed> {
    return connection.execute(this.#mark, [this.#process, serial])
  }

  /** Whether the last marked transaction was committed; waits for its end, should the server still be at it. */
  async isCommitted(connection: PostgresConnection, serial: number): Promise<boolean> {
    const { rows } = await connection.execute(this.#read, [this.#process])
    return Number(rows[0]?.['serial']) === serial
  }

  /** Takes away the mark of this process, and those of processes that are long gone. */
  async remove(connection: PostgresConnection): Promise<void> {
    if (this.#serial > 0) await connection.execute(this.#clean, [this.#process])
  }
}
