import { cacheLimit, countCache } from '../../core/caches.ts'
import type { Reader } from '../../storage/database.ts'
import { type PushAction, PushActionReader, type ThreadCount } from '../../storage/push/push-actions.ts'
import { PushSourceReader, type Reading } from '../../storage/push/push-source.ts'
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
  readonly readings: readonly Reading[]
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
  /** The last reading that the counts were lowered by. */
  readonly lastReading?: Reading
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
 * notification, lowered with a receipt for the newest of them, and counted anew after whatever else takes some away.
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

  /** What `ofRoom` answers, where nothing has to be read for it. */
  known(userId: string, roomNid: number): RoomUnread | undefined {
    if (this.#db.position('receipts') > this.#followed) return undefined
    return this.#rooms.get(roomNid)?.users.get(userId)?.unread
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
  counted({ actions, readings, undone, cleared }: CountedStep): void {
    for (const roomNid of undone) this.#drop(roomNid)
    for (const { roomNid, userId } of cleared) this.#drop(roomNid, userId)
    // In the order in which it came to be: a reading lowers what was notified before it.
    let next = 0
    const inOrder = readings.toSorted((a, b) => (a.eventPosition ?? 0) - (b.eventPosition ?? 0))
    for (const reading of inOrder) {
      for (; (actions[next]?.position ?? Infinity) <= (reading.eventPosition ?? 0); next++)
        this.#raise(actions[next])
      this.#lower(reading)
    }
    for (; next < actions.length; next++) this.#raise(actions[next])
  }

  #raise(action: PushAction | undefined): void {
    const room = action && this.#rooms.get(action.roomNid)
    if (action === undefined || room === undefined) return
    room.edition += 1
    const known = room.users.get(action.userId)
    if (known === undefined || action.position <= known.newest) return
    // It came after its receipt: rare enough to be counted anew.
    if (action.position <= known.readUpTo) this.#drop(action.roomNid, action.userId)
    else
      room.users.set(action.userId, {
        ...known,
        unread: raised(known.unread, action),
        newest: action.position,
      })
  }

  #lower(reading: Reading): void {
    const { roomNid, userId } = reading
    const room = this.#rooms.get(roomNid)
    if (room === undefined) return
    room.edition += 1
    const known = room.users.get(userId)
    const lower = known && lowered(known, reading)
    if (lower === undefined) this.#drop(roomNid, userId)
    else room.users.set(userId, lower)
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
    else for (const reading of await this.#source.readings(this.#followed, upTo)) this.#lower(reading)
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

/** After a receipt; `undefined` where it has to be counted what is left. */
const lowered = (known: Known, reading: Reading): Known | undefined => {
  const { threadId, eventPosition } = reading
  const { lastReading, newest } = known
  if (eventPosition === undefined) return undefined
  if (threadId === lastReading?.threadId && eventPosition <= (lastReading.eventPosition ?? 0)) return known
  if (eventPosition < newest) return undefined
  const readUpTo = Math.max(known.readUpTo, eventPosition)
  return { unread: without(known.unread, threadId), newest, readUpTo, lastReading: reading }
}

/** With a thread read to its end, or all of them. */
const without = ({ main, threads }: RoomUnread, threadId: string): RoomUnread => {
  const left = new Map(threadId === '' ? [] : threads)
  left.delete(threadId)
  const mainLeft = threadId === '' || threadId === MAIN_TIMELINE ? NOTHING : main
  return { total: [...left.values()].reduce(sum, mainLeft), main: mainLeft, threads: left }
}

const sum = (a: UnreadCount, b: UnreadCount): UnreadCount => ({
  notification_count: a.notification_count + b.notification_count,
  highlight_count: a.highlight_count + b.highlight_count,
})
