import { parseJson } from '../../core/canonical-json.ts'
import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { AccountDataReader, AccountDataWriter } from '../../storage/accounts/account-data.ts'
import type { WriteStatement } from '../../storage/database.ts'
import {
  type NewReceipt,
  ReceiptReader,
  type ReceiptRow,
  type ReceiptType,
  ReceiptWriter,
} from '../../storage/ephemeral/receipts.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { KeepEdus, KeptEdu } from '../kept-edus.ts'
import type { RoomHead } from '../rooms/room-head.ts'
import type { RoomWriter } from '../rooms/room-writer.ts'
import { SerialQueue } from '../serial-queue.ts'
import { mayMarkThread } from './event-thread.ts'
import type { AdmitsServer } from './ports.ts'
import { parseReceiptContent, receiptContent } from './receipt-edu.ts'

/** A place in a room up to which a user has read. */
export interface Marker {
  readonly type: ReceiptType | 'm.fully_read'
  readonly eventId: string
  /** As the client sent it: the ID of a thread's root, `main`, or `undefined` for the room as a whole. */
  readonly threadId?: unknown
}

/** A marker that has been checked. */
interface Checked {
  readonly type: Marker['type']
  readonly threadId: string
  readonly stored: StoredEvent
}

/** Threads of one room in which a user's receipts are remembered; the longest untouched are forgotten. */
const MAX_THREADS = 500

/** Receipts that have been moved further meanwhile, by another process, are looked at again so often at most. */
const MAX_TRIES = 5
/** Where a stored receipt is already as far as the new one, or further. */
const OVERTAKEN = 'receipt overtaken'

/** Read receipts and the fully-read marker (modules "Receipts" and "Read and unread markers"). */
export class Receipts {
  /** Told of every marker that a local user sets, also where it stands already: they have been in the room. */
  onMarked: ((userId: string, roomId: string) => Promise<void>) | undefined
  readonly #writer: RoomWriter
  readonly #clock: Clock
  readonly #keepEdus: KeepEdus
  readonly #admits: AdmitsServer
  readonly #read: ReceiptReader
  readonly #write: ReceiptWriter
  readonly #turns = new SerialQueue()
  readonly #accountData: { readonly read: AccountDataReader; readonly write: AccountDataWriter }

  constructor(parts: { writer: RoomWriter; clock: Clock; keepEdus: KeepEdus; admits: AdmitsServer }) {
    const { db } = parts.writer.context
    this.#writer = parts.writer
    this.#clock = parts.clock
    this.#keepEdus = parts.keepEdus
    this.#admits = parts.admits
    this.#read = new ReceiptReader(db)
    this.#write = new ReceiptWriter(db)
    this.#accountData = { read: new AccountDataReader(db), write: new AccountDataWriter(db) }
  }

  /**
   * Moves a local user's markers, all of them or none. A marker never goes back in the timeline: of two devices the
   * one that has read further counts, whichever speaks last.
   *
   * Throws `M_FORBIDDEN` (not in the room), `M_NOT_FOUND` (no such event there), `M_INVALID_PARAM` (thread ID).
   */
  async mark(userId: string, roomId: string, markers: readonly Marker[]): Promise<void> {
    const head = await this.#writer.head(roomId)
    if (head?.memberships.get(userId) !== 'join') {
      throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
    }
    const checked = await this.#check(head, markers)
    await this.onMarked?.(userId, roomId)
    // Two devices at once: what stands is read, and moved from there.
    await this.#turns.run(`${userId} ${roomId}`, async () => {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        if (await this.#move(userId, head, checked)) return
      }
    })
  }

  /**
   * Answers false, having stored nothing, where another process has moved one of the receipts as far meanwhile: other servers
   * are not to be told the older one in place of the newer.
   */
  async #move(userId: string, head: RoomHead, checked: readonly Checked[]): Promise<boolean> {
    const { roomId, nid } = head.room
    const now = this.#clock.now()
    const known = await this.#read.ofUser(nid, userId)
    const receipts = checked.flatMap(({ type, threadId, stored }) => {
      const receipt =
        type === 'm.fully_read' ? undefined : newReceipt(userId, { type, threadId, stored }, now)
      // Clients repeat themselves; what stands already costs no commit.
      return receipt === undefined || known.some(row => covers(row, receipt)) ? [] : receipt
    })
    const fullyRead = checked.findLast(({ type }) => type === 'm.fully_read')
    // Both or none: what is seen here to have been read is told to other servers.
    const told = this.#keepEdus(this.#edus(head, receipts, checked))
    const statements = [
      ...(await this.#store(receipts, { name: OVERTAKEN, expected: receipts.length })),
      ...(fullyRead === undefined ? [] : await this.#fullyRead(userId, roomId, fullyRead.stored)),
      ...told.statements,
    ]
    if (statements.length === 0) return true
    const stored = await this.#writer.context.db.commit({ statements })
    if (stored.ok) told.committed()
    return stored.ok
  }

  /** An `m.receipt` EDU. */
  async receive(origin: string, content: JsonObject): Promise<void> {
    const receipts: NewReceipt[] = []
    const { read, serverName } = this.#writer.context
    for (const [roomId, received] of parseReceiptContent(origin, content)) {
      const head = await this.#writer.head(roomId)
      if (!head?.hasHost(serverName) || !(await this.#admits(head, origin))) continue
      const present = received.filter(({ userId }) => head.mayBeJoined(userId))
      const events = await read.events.byIds(present.map(({ eventId }) => eventId))
      for (const receipt of present) {
        const stored = events.get(receipt.eventId)
        if (stored !== undefined && stored.roomNid !== head.room.nid) continue
        receipts.push({
          ...receipt,
          roomNid: head.room.nid,
          type: 'm.read',
          eventPosition: stored?.position,
        })
      }
    }
    if (receipts.length > 0) await this.#writer.context.db.commit({ statements: await this.#store(receipts) })
  }

  async #check(head: RoomHead, markers: readonly Marker[]): Promise<Checked[]> {
    const { read } = this.#writer.context
    const events = await read.events.byIds(markers.map(({ eventId }) => eventId))
    const checked: Checked[] = []
    for (const { type, eventId, threadId } of markers) {
      const stored = events.get(eventId)
      if (stored?.roomNid !== head.room.nid || stored.rejected !== undefined || stored.softFailed) {
        throw new MatrixError('M_NOT_FOUND', 'The room has no such event')
      }
      if (threadId === undefined) {
        checked.push({ type, threadId: '', stored })
        continue
      }
      if (typeof threadId !== 'string' || threadId === '' || type === 'm.fully_read') {
        throw new MatrixError(
          'M_INVALID_PARAM',
          'thread_id must be a non-empty text, and not for m.fully_read',
        )
      }
      if (!(await mayMarkThread(read, stored, threadId))) {
        throw new MatrixError('M_INVALID_PARAM', 'The event does not belong to this thread')
      }
      checked.push({ type, threadId, stored })
    }
    return checked
  }

  async #store(
    receipts: readonly NewReceipt[],
    guard?: NonNullable<WriteStatement['guard']>,
  ): Promise<WriteStatement[]> {
    if (receipts.length === 0) return []
    const move = this.#write.move(receipts)
    const statements: WriteStatement[] = [guard === undefined ? move : { ...move, guard }]
    for (const { roomNid, userId, type, threadId } of receipts) {
      if (threadId === '' || threadId === 'main') continue
      const rows = (await this.#read.ofUser(roomNid, userId)).filter(row => row.type === type)
      if (rows.length >= MAX_THREADS && !rows.some(row => row.threadId === threadId))
        statements.push(this.#write.boundThreads(roomNid, userId, type, MAX_THREADS))
    }
    return statements
  }

  /** "The server MUST send the updated account data event through to the client": so it goes to that stream. */
  async #fullyRead(userId: string, roomId: string, stored: StoredEvent): Promise<WriteStatement[]> {
    const { eventId } = stored.event
    const current = await this.#accountData.read.content(userId, roomId, 'm.fully_read')
    const before: unknown = current === undefined ? undefined : parseJson(current)
    const beforeId = isJsonObject(before) ? before['event_id'] : undefined
    if (beforeId === eventId) return []
    if (typeof beforeId === 'string') {
      const marked = await this.#writer.context.read.events.byId(beforeId)
      if (marked?.position !== undefined && isBefore(stored.position, marked.position)) return []
    }
    const content = JSON.stringify({ event_id: eventId })
    return [this.#accountData.write.set(userId, roomId, 'm.fully_read', content)]
  }

  /** What other servers are told. "Read receipts for events that a user sent do not need to be sent." */
  #edus(head: RoomHead, receipts: readonly NewReceipt[], checked: readonly Checked[]): KeptEdu[] {
    const { roomId } = head.room
    const { serverName } = this.#writer.context
    const destinations = [...head.joinedHosts()].filter(server => server !== serverName)
    if (destinations.length === 0) return []
    const senders = new Map(checked.map(({ stored: { event } }) => [event.eventId, event.sender]))
    return receipts
      .filter(({ type, eventId, userId }) => type === 'm.read' && senders.get(eventId) !== userId)
      .map(receipt => ({
        destinations,
        type: 'm.receipt',
        content: receiptContent(roomId, receipt),
        key: `receipt ${roomId} ${receipt.userId} ${receipt.threadId}`,
      }))
  }
}

const newReceipt = (
  userId: string,
  { type, threadId, stored }: Omit<Checked, 'type'> & { type: ReceiptType },
  ts: number,
): NewReceipt => ({
  roomNid: stored.roomNid,
  userId,
  type,
  threadId,
  eventId: stored.event.eventId,
  eventPosition: stored.position,
  ts,
})

/** Whether a receipt is the newer one already, or the same. */
const covers = (row: ReceiptRow, { type, threadId, eventId, eventPosition }: NewReceipt): boolean => {
  if (row.type !== type || row.threadId !== threadId) return false
  if (row.eventId === eventId) return true
  return row.eventPosition !== undefined && !isBefore(row.eventPosition, eventPosition)
}

/** Whether an event comes before one at a place in the timeline: state from before the server came has no place, and does. */
const isBefore = (position: number | undefined, other: number | undefined): boolean =>
  other !== undefined && (position === undefined || position < other)
