import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Database, WriteStatement } from '../../storage/database.ts'
import { GroupMemberWriter } from '../../storage/push/group-members.ts'
import { PushActionBounds } from '../../storage/push/push-action-bounds.ts'
import { Rounds } from '../rounds.ts'

const HOUR_MS = 60 * 60_000
/** What was read is listed by `/notifications` for so long. */
const READ_KEPT_MS = 30 * 24 * HOUR_MS
/** Of each room a user keeps so many highlights, and so many other notifications, unread ones included. */
const MAX_IN_ROOM = 1_000
/** Rooms cut to that size in one commit. */
const BATCH = 200
/** Rooms in which receipts are looked through for what has been read. */
const FEW = 10

/**
 * Bounds what notifications take. Beyond 1,000 unread ones in a room (and 1,000 highlights) the oldest are forgotten:
 * who comes back after a year has a thousand to read there, not all of them.
 */
export class PushHousekeeping {
  readonly #db: Database
  readonly #clock: Clock
  readonly #onTidied: () => void
  readonly #bounds: PushActionBounds
  readonly #members: GroupMemberWriter
  readonly #rounds: Rounds

  /** `onTidied`: notifications are gone that nobody has read. */
  constructor(parts: { db: Database; clock: Clock; log: Log; onTidied: () => void }) {
    this.#db = parts.db
    this.#clock = parts.clock
    this.#onTidied = parts.onTidied
    this.#bounds = new PushActionBounds(parts.db)
    this.#members = new GroupMemberWriter(parts.db)
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

  /** One round. `keep`: how many notifications of each sort are kept of a room, of a group and of a user alone. */
  async tidy(keep = MAX_IN_ROOM): Promise<void> {
    const old = this.#clock.now() - READ_KEPT_MS
    await this.#commit(await this.#bounds.expiredOfGroups(old), FEW)
    await this.#commit(await this.#bounds.expired(old))
    const groups = await this.#bounds.crowdedGroups(keep)
    await this.#commit(groups.map(row => this.#bounds.boundGroup(row, keep)))
    // After those of their groups, on which they depend.
    const crowded = await this.#bounds.crowded(keep)
    await this.#commit(crowded.map(row => this.#bounds.bound(row, keep)))
    await this.#commit([this.#bounds.forgetSilence(), this.#members.forget()])
    if (groups.length + crowded.length > 0) this.#onTidied()
  }

  async #commit(statements: readonly WriteStatement[], atOnce = BATCH): Promise<void> {
    for (let at = 0; at < statements.length; at += atOnce)
      await this.#db.commit({ statements: statements.slice(at, at + atOnce) })
  }
}
