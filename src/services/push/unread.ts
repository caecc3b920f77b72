import { cacheLimit, countCache } from '../../core/caches.ts'
import type { Reader } from '../../storage/database.ts'
import { type PushAction, PushActionReader, type ThreadCount } from '../../storage/push/push-actions.ts'
import { PushSourceReader } from '../../storage/push/push-source.ts'
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

/** What has changed about notifications. */
export interface CountedStep {
  readonly actions: readonly PushAction[]
  /** Rooms in which some were taken back. */
  readonly undone: Iterable<number>
  readonly cleared: readonly { readonly userId: string; readonly roomNid: number }[]
}

/** The counts of a user in a room, with what tells whether another notification adds to them. */
interface Known {
  readonly unread: RoomUnread
  /** Of the notifications that are counted, read or not. */
  readonly newest: number
  /** The furthest receipt, whatever its thread. */
  readonly readUpTo: number
}

/** A room whose counts are kept. */
interface KnownRoom {
  readonly users: Map<string, Known>
  /** Raised by every change: what was read meanwhile may be old. */
  edition: number
}

const NOTHING: UnreadCount = { notification_count: 0, highlight_count: 0 }

/** Beyond so many receipts since the last look all counts are forgotten rather than looked through. */
const MAX_RECEIPTS = 10_000

/**
 * Counts what users have not read, from what notifies them and their receipts. Counting goes through all that is unread,
 * and every message asks for the counts of everybody who is in its room: so they are kept, raised with each
 * notification, and counted anew after a receipt or whatever else takes some away.
 */
export class UnreadCounts {
  readonly #db: Reader
  readonly #read: PushActionReader
  readonly #source: PushSourceReader
  readonly #rooms = new Map<number, KnownRoom>()
  #kept = 0
  /** Beyond so many counts all are forgotten. */
  readonly #max = cacheLimit('unread_counts')
  /** The position in the stream of receipts up to which these are taken into account. */
  #followed: number
  #following: Promise<void> | undefined

  constructor(db: Reader) {
    this.#db = db
    this.#read = new PushActionReader(db)
    this.#source = new PushSourceReader(db)
    this.#followed = db.position('receipts')
    countCache('unread_counts', this)
  }

  /** How many counts are kept. */
  get held(): number {
    return this.#kept
  }

  async ofRoom(userId: string, roomNid: number): Promise<RoomUnread> {
    while (this.#db.position('receipts') > this.#followed) await this.#follow()
    const room = this.#room(roomNid)
    const known = room.users.get(userId)
    if (known !== undefined) return known.unread
    const { edition } = room
    const { threads, newest, readUpTo } = await this.#read.unread(userId, roomNid)
    const unread = roomUnread(threads)
    if (edition === room.edition) {
      if (!room.users.has(userId)) this.#kept += 1
      room.users.set(userId, { unread, newest, readUpTo })
    }
    return unread
  }

  /** How many notifications a user has not read anywhere, up to 9,999: what a badge says. */
  badge(userId: string): Promise<number> {
    return this.#read.total(userId)
  }

  /** Takes note of what is stored by now. */
  counted({ actions, undone, cleared }: CountedStep): void {
    for (const roomNid of undone) this.#drop(roomNid)
    for (const { roomNid, userId } of cleared) this.#drop(roomNid, userId)
    for (const action of actions) {
      const room = this.#rooms.get(action.roomNid)
      if (room === undefined) continue
      room.edition += 1
      const known = room.users.get(action.userId)
      if (known === undefined || action.position <= known.newest) continue
      // It came after its receipt: rare enough to be counted anew.
      if (action.position <= known.readUpTo) this.#drop(action.roomNid, action.userId)
      else
        room.users.set(action.userId, {
          ...known,
          unread: raised(known.unread, action),
          newest: action.position,
        })
    }
  }

  /** Counts everything anew. */
  forget(): void {
    for (const room of this.#rooms.values()) room.edition += 1
    this.#rooms.clear()
    this.#kept = 0
  }

  #room(roomNid: number): KnownRoom {
    if (this.#kept + this.#rooms.size > this.#max) this.forget()
    const known = this.#rooms.get(roomNid)
    if (known !== undefined) return known
    const room = { users: new Map(), edition: 0 }
    this.#rooms.set(roomNid, room)
    return room
  }

  #drop(roomNid: number, userId?: string): void {
    const room = this.#rooms.get(roomNid)
    if (room === undefined) return
    room.edition += 1
    if (userId === undefined) {
      this.#kept -= room.users.size
      room.users.clear()
    } else if (room.users.delete(userId)) this.#kept -= 1
  }

  #follow(): Promise<void> {
    this.#following ??= this.#takeReceipts().finally(() => {
      this.#following = undefined
    })
    return this.#following
  }

  async #takeReceipts(): Promise<void> {
    const upTo = this.#db.position('receipts')
    if (upTo - this.#followed > MAX_RECEIPTS) this.forget()
    else
      for (const { userId, roomNid } of await this.#source.readings(this.#followed, upTo))
        this.#drop(roomNid, userId)
    this.#followed = upTo
  }
}

const roomUnread = (rows: readonly ThreadCount[]): RoomUnread => {
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

/** With one more. */
const raised = ({ total, main, threads }: RoomUnread, { threadId, highlight }: PushAction): RoomUnread => {
  const one = { notification_count: 1, highlight_count: highlight ? 1 : 0 }
  if (threadId === MAIN_TIMELINE) return { total: sum(total, one), main: sum(main, one), threads }
  const thread = sum(threads.get(threadId) ?? NOTHING, one)
  return { total: sum(total, one), main, threads: new Map(threads).set(threadId, thread) }
}

const sum = (a: UnreadCount, b: UnreadCount): UnreadCount => ({
  notification_count: a.notification_count + b.notification_count,
  highlight_count: a.highlight_count + b.highlight_count,
})
