import { cacheLimit, countCache } from '../../core/caches.ts'
import type { Reader } from '../../storage/database.ts'
import { PushActionReader } from '../../storage/push/push-actions.ts'
import { PushSourceReader, type Reading } from '../../storage/push/push-source.ts'
import { type EventNotices, noticeOf } from './notices.ts'
import { type KnownCounts, lowered, type RoomUnread, raised, roomUnread } from './room-unread.ts'

/** What has changed about notifications. */
export interface CountedStep {
  readonly notices: readonly EventNotices[]
  readonly readings: readonly Reading[]
  /** Rooms in which some were taken back. */
  readonly undone: Iterable<number>
  readonly cleared: readonly { readonly userId: string; readonly roomNid: number }[]
}

/** A room whose counts are kept. */
interface KnownRoom {
  readonly users: Map<string, KnownCounts>
  /** Raised by every change: what was read meanwhile may be old. */
  edition: number
}

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
  /** Rooms in which something has changed that is not stored yet, and when it is. */
  readonly #unstored = new Map<number, Promise<void>>()
  #waiting = 0
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

  /** Whether somebody waits for everything to be stored: let nothing more be judged until then. */
  get isAwaited(): boolean {
    return this.#waiting > 0
  }

  /** What `ofRoom` answers, where nothing has to be read for it. */
  known(userId: string, roomNid: number): RoomUnread | undefined {
    if (this.#db.position('receipts') > this.#followed) return undefined
    return this.#rooms.get(roomNid)?.users.get(userId)?.unread
  }

  async ofRoom(userId: string, roomNid: number): Promise<RoomUnread> {
    while (this.#db.position('receipts') > this.#followed) await this.#follow()
    const unread = this.#rooms.get(roomNid)?.users.get(userId)?.unread
    if (unread !== undefined) return unread
    for (
      let stored = this.#unstored.get(roomNid);
      stored !== undefined;
      stored = this.#unstored.get(roomNid)
    ) {
      this.#waiting += 1
      await stored
      this.#waiting -= 1
    }
    return this.#count(userId, roomNid)
  }

  async #count(userId: string, roomNid: number): Promise<RoomUnread> {
    const room = this.#room(roomNid)
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

  /**
   * Takes note of what was judged. What is kept is right at once; nothing is counted in these rooms before it is stored.
   * @param stored resolves when it is, or will not be (then `forget` follows); not given where it is stored already
   */
  counted(step: CountedStep, stored?: Promise<void>): void {
    const { notices, readings, undone, cleared } = step
    if (stored !== undefined) void this.#await(step, stored)
    for (const roomNid of undone) this.#drop(roomNid)
    for (const { roomNid, userId } of cleared) this.#drop(roomNid, userId)
    // In the order in which it came to be: a reading lowers what was notified before it.
    let next = 0
    const inOrder = readings.toSorted((a, b) => (a.eventPosition ?? 0) - (b.eventPosition ?? 0))
    for (const reading of inOrder) {
      for (; (notices[next]?.position ?? Infinity) <= (reading.eventPosition ?? 0); next++)
        this.#raise(notices[next])
      this.#lower(reading)
    }
    for (; next < notices.length; next++) this.#raise(notices[next])
  }

  async #await({ notices, readings, undone, cleared }: CountedStep, stored: Promise<void>): Promise<void> {
    const roomNids = new Set(undone)
    for (const { roomNid } of [...notices, ...readings, ...cleared]) roomNids.add(roomNid)
    for (const roomNid of roomNids) this.#unstored.set(roomNid, stored)
    await stored
    for (const roomNid of roomNids) {
      if (this.#unstored.get(roomNid) === stored) this.#unstored.delete(roomNid)
    }
  }

  #raise(notices: EventNotices | undefined): void {
    const room = notices && this.#rooms.get(notices.roomNid)
    if (notices === undefined || room === undefined) return
    room.edition += 1
    const { position, roomNid, threadId } = notices
    for (const [userId, known] of room.users) {
      if (position <= known.newest) continue
      const notice = noticeOf(notices, userId)
      if (notice === undefined) continue
      // It came after its receipt: rare enough to be counted anew.
      if (position <= known.readUpTo) this.#drop(roomNid, userId)
      else {
        const unread = raised(known.unread, { threadId, highlight: notice.highlight })
        room.users.set(userId, { ...known, unread, newest: position })
      }
    }
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

  /** Counts anew what a user has not read. */
  forgetUser(userId: string): void {
    for (const roomNid of this.#rooms.keys()) this.#drop(roomNid, userId)
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
