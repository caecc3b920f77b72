import { randomUUID } from 'node:crypto'
import type { Prepared, StreamName } from '../database.ts'
import type { Moved } from './positions.ts'
import type { PostgresConnection } from './postgres-connection.ts'
import type { Leg } from './postgres-flight.ts'
import { CHANNEL, decodeMoved } from './postgres-listener.ts'

const NOW = 'CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)'
const WEEK_MS = 7 * 24 * 60 * 60_000

/**
 * Tells whether a transaction was committed whose commit was sent and never answered. Each transaction of a process writes
 * its own number into the row of the process; what stands there afterwards was committed. The server's own transaction
 * numbers do not tell: one that was lost with a crash is given to another transaction after that (`pg_xact_status` calls
 * it committed then).
 *
 * A question may overtake the transaction that it is about, which may still be on the wire. So it takes the number
 * after, which no transaction has, and a mark is only ever replaced by a greater one: what comes too late is refused.
 */
export class CommitMarks {
  readonly #process = randomUUID()
  readonly #mark: Prepared
  readonly #tell: Prepared
  readonly #ask: Prepared
  readonly #clean: Prepared
  #serial = 0

  /** `prepare` takes `?`. */
  constructor(prepare: (sql: string) => Prepared) {
    const marked = (positions: string) =>
      `marked AS (
         INSERT INTO commit_marks (process, serial, positions, marked_ts) VALUES (?, ?, ${positions}, ${NOW})
         ON CONFLICT (process) DO UPDATE
           SET serial = excluded.serial, positions = excluded.positions, marked_ts = excluded.marked_ts
           WHERE commit_marks.serial < excluded.serial
         RETURNING positions)`
    // Division by zero is how a statement refuses to go on.
    const once = '1 / CAST(COUNT(*) = 1 AS int) AS once'
    this.#mark = prepare(`WITH ${marked("''")} SELECT ${once} FROM marked`)
    this.#tell = prepare(
      `WITH moved AS (
         SELECT string_agg(name || ':' || current_setting('tessera.' || name), ',') AS positions
         FROM unnest(?::text[]) AS name),
       ${marked('(SELECT positions FROM moved)')}
       SELECT ${once}, pg_notify('${CHANNEL}', MIN(positions)) FROM marked`,
    )
    this.#ask = prepare(
      `INSERT INTO commit_marks (process, serial, positions, marked_ts) VALUES (?, ?, '', ${NOW})
       ON CONFLICT (process) DO UPDATE SET marked_ts = excluded.marked_ts,
         serial = CASE WHEN commit_marks.serial = excluded.serial - 1 THEN commit_marks.serial ELSE excluded.serial END
       RETURNING serial, positions`,
    )
    this.#clean = prepare(
      `DELETE FROM commit_marks WHERE process = ? OR marked_ts < ${NOW} - CAST(${WEEK_MS} AS bigint)`,
    )
  }

  /** The number of the next transaction. */
  next(): number {
    this.#serial += 2
    return this.#serial
  }

  /** Marks the transaction that is open, and has all processes told, once it is committed, how far it has moved these streams. */
  leg(serial: number, streams: readonly StreamName[]): Leg {
    return streams.length === 0
      ? { prepared: this.#mark, parameters: [this.#process, serial] }
      : { prepared: this.#tell, parameters: [{ list: streams }, this.#process, serial] }
  }

  /**
   * Whether a transaction was committed, which from now on it will not be: how far it has moved its streams if it was. Waits for its end,
   * should the server still be at it.
   */
  async ask(connection: PostgresConnection, serial: number): Promise<Moved | undefined> {
    const { rows } = await connection.execute(this.#ask, [this.#process, serial + 1])
    const { serial: found, positions } = rows[0] ?? {}
    return found === serial ? decodeMoved(String(positions)) : undefined
  }

  /** Takes away the mark of this process, and those of processes that are long gone. */
  async remove(connection: PostgresConnection): Promise<void> {
    if (this.#serial > 0) await connection.execute(this.#clean, [this.#process])
  }
}
