import type { Reader } from '../../storage/database.ts'
import { PushActionReader } from '../../storage/push/push-actions.ts'
import { MAIN_TIMELINE } from './thread-of.ts'

/** `unread_notifications` of `/sync`. */
export interface UnreadCount {
  readonly notification_count: number
  readonly highlight_count: number
}

/** What is unread in a room. */
export interface RoomUnread {
  /** All threads and the main timeline together. */
  readonly total: UnreadCount
  readonly main: UnreadCount
  /** By the ID of the root; threads without anything are left out. */
  readonly threads: ReadonlyMap<string, UnreadCount>
}

const NOTHING: UnreadCount = { notification_count: 0, highlight_count: 0 }

/** Counts what users have not read, from what notifies them and their receipts. */
export class UnreadCounts {
  readonly #read: PushActionReader

  constructor(db: Reader) {
    this.#read = new PushActionReader(db)
  }

  async ofRoom(userId: string, roomNid: number): Promise<RoomUnread> {
    const rows = await this.#read.unread(userId, roomNid)
    const threads = new Map(
      rows.map(({ threadId, notifications, highlights }) => [
        threadId,
        { notification_count: notifications, highlight_count: highlights },
      ]),
    )
    const total = [...threads.values()].reduce(sum, NOTHING)
    const main = threads.get(MAIN_TIMELINE) ?? NOTHING
    threads.delete(MAIN_TIMELINE)
    return { total, main, threads }
  }

  /** How many notifications a user has not read anywhere, up to 9,999: what a badge says. */
  badge(userId: string): Promise<number> {
    return this.#read.total(userId)
  }
}

const sum = (a: UnreadCount, b: UnreadCount): UnreadCount => ({
  notification_count: a.notification_count + b.notification_count,
  highlight_count: a.highlight_count + b.highlight_count,
})
