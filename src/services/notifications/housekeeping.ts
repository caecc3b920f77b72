import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Database } from '../../storage/database.ts'
import { FollowedStreams } from '../../storage/followed-streams.ts'
import { type NotificationRow, ROOM_KINDS } from '../../storage/notifications/notifications.ts'
import { Rounds } from '../rounds.ts'
import type { Inbox } from './inbox.ts'
import { FORGOTTEN } from './notification-center.ts'

const HOUR_MS = 60 * 60_000
/** Clients that come back within this time are told what is gone; later ones begin anew. */
const OVER_KEPT_MS = 7 * 24 * HOUR_MS
const BATCH = 500

/** Gives up what has waited too long, or is about rooms that are no more, and forgets what is over. */
export class NotificationHousekeeping {
  readonly #db: Database
  readonly #inbox: Inbox
  readonly #clock: Clock
  readonly #followed: FollowedStreams
  readonly #rounds: Rounds

  constructor(parts: { db: Database; inbox: Inbox; clock: Clock; log: Log }) {
    this.#db = parts.db
    this.#inbox = parts.inbox
    this.#clock = parts.clock
    this.#followed = new FollowedStreams(parts.db)
    this.#rounds = new Rounds({
      ...{ clock: parts.clock, log: parts.log },
      everyMs: HOUR_MS,
      round: () => this.tidy(),
      failure: 'old notifications could not be given up',
    })
  }

  start(): void {
    this.#rounds.start()
  }

  close(): Promise<void> {
    return this.#rounds.close()
  }

  /** What waits because of a room that was removed is gone with it. */
  async roomGone(roomId: string): Promise<void> {
    const { read } = this.#inbox
    for (const userId of await read.usersInRoom(roomId, ROOM_KINDS)) {
      const rows = await read.inRoom(userId, roomId)
      await this.#inbox.expire(rows.filter(({ kind }) => ROOM_KINDS.includes(kind)))
    }
  }

  /** One round. */
  async tidy(): Promise<void> {
    await this.#giveUp(() => this.#inbox.read.expired(this.#inbox.horizon, BATCH))
    await this.#giveUp(() => this.#inbox.read.purged(BATCH))
    const over = await this.#inbox.forget(this.#clock.now() - OVER_KEPT_MS)
    if (over === undefined) return
    const { statement, newest } = over
    const floor = Math.max(newest, await this.#followed.position(FORGOTTEN))
    await this.#db.commit({ statements: [statement, this.#followed.reached(FORGOTTEN, floor)] })
  }

  async #giveUp(next: () => Promise<NotificationRow[]>): Promise<void> {
    for (;;) {
      const rows = await next()
      await this.#inbox.expire(rows)
      if (rows.length < BATCH) return
    }
  }
}
