import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Database } from '../storage/database.ts'
import { DueRows, type DueTable, type HeldRow } from '../storage/due-rows.ts'
import { SerialQueue } from './serial-queue.ts'

/** Rows taken at once. */
const BATCH = 50

/**
 * A row is held so long: work that takes longer may be begun by another process. And the table is looked at so often at least, for rows
 * that another process has stored and not lived to see due. Milliseconds.
 */
const MAX_LATE_MS = 60_000

/** Work that is to be done at instants which are stored in a table. */
export interface DueWorkParts {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** Where what is to be done is stored: see `DueTable` for the columns it needs. */
  readonly table: DueTable
  /** How late it may be done, in place of a minute, where a process that was to do it is gone. Milliseconds. */
  readonly maxLateMs?: number
  /**
   * Does the work of one row, and commits what comes of it in one write set with `rows.stillHeld(row)` and the change that
   * removes the row, or sets its `wake_ts` to NULL or to a later instant. If that guard fails, somebody else has done or is
   * doing it. A row that is left as it was is tried again when the hold runs out, as after a crash.
   */
  perform(row: HeldRow, rows: DueRows): Promise<void>
}

/**
 * Does stored work when it is due: one timer for the earliest row, whatever their number. Rows are taken in bounded batches and
 * held under a lease, so that neither a restart nor a second process loses or doubles any. Rows of the same lane are done one
 * after another, in the order in which they are due; lanes do not wait for each other.
 */
export class DueWork {
  readonly rows: DueRows
  readonly #parts: DueWorkParts
  readonly #lanes = new SerialQueue()
  readonly #closing = new AbortController()
  readonly #maxLateMs: number
  #running: Promise<void> | undefined
  /** When the table is looked at next, while asleep. */
  #wakesAt = 0
  #alarm = new AbortController()

  constructor(parts: DueWorkParts) {
    this.#parts = parts
    this.#maxLateMs = parts.maxLateMs ?? MAX_LATE_MS
    this.rows = new DueRows(parts.database, parts.table)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Says that a row has been stored, or moved, that is due at `dueTs` (ms). */
  expect(dueTs: number): void {
    if (dueTs < this.#wakesAt) this.#alarm.abort()
  }

  /** Finishes what has begun, and gives back what has not. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#alarm.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts
    while (!this.#closing.signal.aborted) {
      // Whatever is stored from here on is either seen below or sounds this alarm.
      this.#alarm = new AbortController()
      this.#wakesAt = Number.POSITIVE_INFINITY
      try {
        const earliest = (await this.rows.earliest()) ?? Number.POSITIVE_INFINITY
        // Time has gone on meanwhile.
        const now = clock.now()
        const next = Math.min(earliest, now + this.#maxLateMs)
        this.#wakesAt = next
        if (next > now) await clock.sleep(next - now, this.#alarm.signal).catch(() => undefined)
        else await this.#round()
      } catch (error) {
        log.error({ err: error, table: this.#parts.table.name }, 'due work could not be looked for')
        await clock.sleep(this.#maxLateMs, this.#closing.signal).catch(() => undefined)
      }
    }
  }

  async #round(): Promise<void> {
    const { database, clock } = this.#parts
    const now = clock.now()
    const taken = await database.commit({
      statements: [this.rows.take(now, now + this.#maxLateMs, BATCH, 'taken')],
    })
    if (!taken.ok) return
    const held = (taken.returned['taken'] ?? []) as unknown as HeldRow[]
    const inOrder = held.toSorted((a, b) => a.dueTs - b.dueTs)
    const left: HeldRow[] = []
    await Promise.all(
      inOrder.map(row =>
        this.#lanes.run(row.lane, async () => {
          if (this.#closing.signal.aborted) left.push(row)
          else await this.#perform(row)
        }),
      ),
    )
    if (left.length > 0) await database.commit({ statements: [this.rows.release(left, now)] })
  }

  async #perform(row: HeldRow): Promise<void> {
    const { clock, log, table, perform } = this.#parts
    // Those before it took so long that it may be another's by now.
    if (clock.now() >= row.heldUntil) return
    try {
      await perform(row, this.rows)
    } catch (error) {
      log.error({ err: error, table: table.name, key: row.key }, 'due work failed, and is tried again')
    }
  }
}
