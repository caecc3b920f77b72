import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Database } from '../../storage/database.ts'
import { PushActionWriter } from '../../storage/push/push-action-writer.ts'
import { PushActionReader } from '../../storage/push/push-actions.ts'
import { Rounds } from '../rounds.ts'

const HOUR_MS = 60 * 60_000
/** What was read is listed by `/notifications` for so long. */
const READ_KEPT_MS = 30 * 24 * HOUR_MS
/** Of each room a user keeps so many highlights, and so many other notifications, unread ones included. */
const MAX_IN_ROOM = 1_000
/** Rooms cut to that size in one commit. */
const BATCH = 200

/**
 * Bounds what notifications take. Beyond 1,000 unread ones in a room (and 1,000 highlights) the oldest are forgotten:
 * who comes back after a year has a thousand to read there, not all of them.
 */
export class PushHousekeeping {
  readonly #db: Database
  readonly #clock: Clock
  readonly #onTidied: () => void
  readonly #read: PushActionReader
  readonly #write: PushActionWriter
  readonly #rounds: Rounds

  /** `onTidied`: notifications are gone that nobody has read. */
  constructor(parts: { db: Database; clock: Clock; log: Log; onTidied: () => void }) {
    this.#db = parts.db
    this.#clock = parts.clock
    this.#onTidied = parts.onTidied
    this.#read = new PushActionReader(parts.db)
    this.#write = new PushActionWriter(parts.db)
    this.#rounds = new Rounds({
      ...{ clock: parts.clock, log: parts.log },
      everyMs: HOUR_MS,
      round: () => this.tidy(),
      failure: 'old notifications could not be removed',
    })
  }

  start(): void {
    this.#rounds.start()
  }

  close(): Promise<void> {
    return this.#rounds.close()
  }

  /** One round. `keep`: how many notifications of each sort a user keeps of a room. */
  async tidy(keep = MAX_IN_ROOM): Promise<void> {
    const old = await this.#read.newestBefore(this.#clock.now() - READ_KEPT_MS)
    if (old !== undefined) await this.#db.commit({ statements: [this.#write.expire(old)] })
    const crowded = await this.#read.crowded(keep)
    for (let at = 0; at < crowded.length; at += BATCH) {
      const statements = crowded.slice(at, at + BATCH).map(row => this.#write.bound(row, keep))
      await this.#db.commit({ statements })
    }
    const crowds = await this.#read.longCrowds(keep)
    for (let at = 0; at < crowds.length; at += BATCH) {
      const statements = crowds.slice(at, at + BATCH).map(row => this.#write.boundCrowd(row, keep))
      await this.#db.commit({ statements })
    }
    if (crowded.length + crowds.length > 0) this.#onTidied()
  }
}
