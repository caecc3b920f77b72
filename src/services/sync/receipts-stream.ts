import type { Reader } from '../../storage/database.ts'
import { ReceiptReader, type ReceiptRow } from '../../storage/ephemeral/receipts.ts'
import type { RoomReader } from '../../storage/rooms/rooms.ts'
import type { Answer } from '../answer.ts'
import { RecentChanges } from '../ephemeral/recent-changes.ts'
import type { Follower } from './notifier.ts'
import type { RoomWatch } from './room-watch.ts'
import type { SyncRequest } from './sync-request.ts'
import { type News, NO_NEWS, type RoomExtras, type SyncSource, type ToldRoom } from './sync-source.ts'

/** Receipts of one room in one response: the newest, and all of the user's own. */
const MAX_RECEIPTS = 2_000

/** Where a receipt was; private ones are news for their user alone. */
interface Touched {
  readonly roomNid: number
  readonly onlyFor: string | undefined
}

/** The `receipts` stream of `/sync`. */
export class ReceiptsStream implements SyncSource, Follower {
  readonly stream = 'receipts'
  readonly #read: ReceiptReader
  readonly #watch: RoomWatch
  readonly #rooms: RoomReader
  readonly #recent: RecentChanges<Touched>
  #followed: number

  constructor(parts: { db: Reader; watch: RoomWatch; rooms: RoomReader }) {
    this.#read = new ReceiptReader(parts.db)
    this.#watch = parts.watch
    this.#rooms = parts.rooms
    this.#followed = parts.db.position('receipts')
    this.#recent = new RecentChanges(this.#followed)
  }

  position(): number {
    return this.#followed
  }

  follow(upTo: number): Answer<Iterable<string>> {
    return upTo <= this.#followed ? [] : this.#goOn(upTo)
  }

  async #goOn(upTo: number): Promise<Iterable<string>> {
    const concerned = new Set<string>()
    for (const { roomNid, userId, type, position } of await this.#read.touched(this.#followed, upTo)) {
      const onlyFor = type === 'm.read.private' ? userId : undefined
      this.#recent.add(position, { roomNid, onlyFor })
      for (const other of onlyFor === undefined ? this.#watch.usersIn(roomNid) : [onlyFor])
        concerned.add(other)
    }
    this.#followed = upTo
    return concerned
  }

  news(request: SyncRequest, after: number | undefined, upTo: number): Answer<News> {
    const { userId } = request.requester
    if (after === undefined || after >= upTo) return NO_NEWS
    // Whoever says something has read what was there, which is no news for others.
    const isOthers = ({ onlyFor = userId }: Touched): boolean => onlyFor !== userId
    const isQuiet = this.#recent.between(after, upTo)?.every(isOthers) === true
    return isQuiet ? NO_NEWS : this.#changed(request, after, upTo)
  }

  async #changed(request: SyncRequest, after: number, upTo: number): Promise<News> {
    const nids = await this.#roomsWithNews(request.requester.userId, after, upTo)
    if (nids.length === 0) return NO_NEWS
    const rooms = new Map<string, RoomExtras>()
    for (const { nid, roomId } of await this.#rooms.byNids(nids)) {
      if (!passes(request, roomId)) continue
      const span = { roomNid: nid, after, upTo, limit: MAX_RECEIPTS }
      const receipts = await this.#read.visible(span, request.requester.userId)
      const ephemeral = receiptEvents(receipts, request)
      if (ephemeral.length > 0) rooms.set(roomId, { ephemeral })
    }
    return { rooms }
  }

  async roomEphemeral(request: SyncRequest, { roomNid, roomId }: ToldRoom): Promise<readonly string[]> {
    if (!passes(request, roomId)) return []
    const { userId } = request.requester
    // Also what is not followed yet: it is told once more then, which does no harm.
    const span = { roomNid, after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: MAX_RECEIPTS }
    const newest = await this.#read.visible(span, userId)
    if (newest.length < MAX_RECEIPTS) return receiptEvents(newest, request)
    const others = newest.filter(receipt => receipt.userId !== userId)
    return receiptEvents([...(await this.#read.ofUser(roomNid, userId)), ...others], request)
  }

  async #roomsWithNews(userId: string, after: number, upTo: number): Promise<number[]> {
    const joined = await this.#watch.joinedRooms(userId)
    const recent = this.#recent.between(after, upTo)
    if (recent === undefined) return this.#read.roomsWithNews([...joined.keys()], after, upTo)
    const nids = new Set<number>()
    for (const { roomNid, onlyFor } of recent)
      if (joined.has(roomNid) && (onlyFor === undefined || onlyFor === userId)) nids.add(roomNid)
    return [...nids]
  }
}

const passes = ({ filter }: SyncRequest, roomId: string): boolean =>
  filter.matchesRoom(roomId) &&
  filter.ephemeral.matchesRoom(roomId) &&
  filter.ephemeral.matches({ type: 'm.receipt' })

const receiptEvents = (receipts: readonly ReceiptRow[], { ignored }: SyncRequest): string[] =>
  receiptContents(receipts.filter(receipt => !ignored.has(receipt.userId))).map(
    content => `{"type":"m.receipt","content":${JSON.stringify(content)}}`,
  )

/**
 * The contents of `m.receipt` events of a room. "Receipts SHOULD be batched into one event per room and thread": under
 * one event ID a user has one place, so that the receipts of two threads for the same event could not stand in one.
 */
export const receiptContents = (receipts: readonly ReceiptRow[]): object[] => {
  const threads = Map.groupBy(receipts, receipt => receipt.threadId)
  return [...threads.values()].map(inThread => {
    const events = Map.groupBy(inThread, receipt => receipt.eventId)
    return Object.fromEntries([...events].map(([eventId, rows]) => [eventId, byType(rows)]))
  })
}

const byType = (receipts: readonly ReceiptRow[]): object => {
  const types = Map.groupBy(receipts, receipt => receipt.type)
  return Object.fromEntries(
    [...types].map(([type, rows]) => [
      type,
      Object.fromEntries(
        rows.map(({ userId, ts, threadId }) => [
          userId,
          { ts, ...(threadId === '' ? {} : { thread_id: threadId }) },
        ]),
      ),
    ]),
  )
}
