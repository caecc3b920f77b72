import type { Clock } from '../../core/clock.ts'
import type { Database, WriteStatement } from '../../storage/database.ts'
import { InboxReader, type Visit } from '../../storage/notifications/inboxes.ts'
import { NotificationWriter } from '../../storage/notifications/notification-writer.ts'
import {
  MESSAGE_KINDS,
  NOTIFICATION_KINDS,
  type NotificationFact,
  NotificationReader,
  type NotificationRow,
  type Removal,
} from '../../storage/notifications/notifications.ts'
import { MessageDismissals, UnreadMessageReader } from '../../storage/notifications/unread-messages.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { RoomViews } from '../rooms/room-views.ts'
import { SerialQueue } from '../serial-queue.ts'
import { isAnsweredBy, isReadBy, type VisitStream } from './read-by.ts'
import { type KnownMessage, MESSAGES_READ, messageFacts } from './room-messages.ts'

/** How long and how much is kept. */
export interface InboxLimits {
  /** Milliseconds. Invitations wait as long as they are pending, and what folds as long as something is added. */
  readonly expiry: number
  /** Of one user; beyond that the oldest messages go first. */
  readonly maxPerUser: number
}

/** There may be so much more than the bound, so that not every message has something given up. */
const SLACK = 1.2

/**
 * The one place where notifications are written. What they should be is found out anew each time from what they are about,
 * and compared with what is stored: so nothing has to be counted along, and whatever happens twice changes nothing.
 */
export class Inbox {
  readonly read: NotificationReader
  readonly rooms: InboxReader
  readonly #db: Database
  readonly #readers: RoomReaders
  readonly #clock: Clock
  readonly #limits: InboxLimits
  readonly #views: Pick<RoomViews, 'ignoredUsers' | 'invitePolicies'>
  readonly #write: NotificationWriter
  readonly #unread: UnreadMessageReader
  readonly #dismissals: MessageDismissals
  readonly #queue = new SerialQueue()

  constructor(parts: {
    db: Database
    read: RoomReaders
    clock: Clock
    limits: InboxLimits
    views: Pick<RoomViews, 'ignoredUsers' | 'invitePolicies'>
  }) {
    this.#db = parts.db
    this.#readers = parts.read
    this.#clock = parts.clock
    this.#limits = parts.limits
    this.#views = parts.views
    this.read = new NotificationReader(parts.db)
    this.rooms = new InboxReader(parts.db, parts.read.news)
    this.#write = new NotificationWriter(parts.db)
    this.#unread = new UnreadMessageReader(parts.db)
    this.#dismissals = new MessageDismissals(parts.db)
  }

  /** What is of before this instant (ms) waits no longer. */
  get horizon(): number {
    return this.#clock.now() - this.#limits.expiry
  }

  /**
   * Lets somebody know of something. What they have acted on or closed does not come back, unless it is about another event
   * than before; nothing comes from people whom they ignore, and no invitation that they refuse. Answers whether it waits for them now.
   */
  raise(fact: NotificationFact): Promise<boolean> {
    return this.#raise(fact, ({ removal }) => removal !== 'waiting')
  }

  /** The same for what had been taken back by nothing that the user did: only what they have closed stays away. */
  restore(fact: NotificationFact): Promise<boolean> {
    return this.#raise(fact, ({ removal }) => removal === 'dismissed')
  }

  /** Whether somebody is told of it: of nothing by people whom they ignore, and of no invitation that they refuse. */
  async isWanted({ userId, sender, kind }: NotificationFact): Promise<boolean> {
    const { ignoredUsers, invitePolicies } = this.#views
    if ((await ignoredUsers.of(userId)).has(sender)) return false
    return kind !== 'invitation' || (await invitePolicies.of(userId))(sender) === 'allow'
  }

  #raise(fact: NotificationFact, isOver: (before: NotificationRow) => boolean): Promise<boolean> {
    return this.#queue.run(fact.userId, async () => {
      if (!(await this.isWanted(fact))) return false
      const before = await this.read.one(fact.userId, fact.id)
      const isSameEvent = before?.eventId !== undefined && before.eventId === fact.eventId
      if (isSameEvent && isOver(before)) return false
      if (before?.removal === 'waiting' && isSame(before, fact)) return true
      await this.#commit(fact.userId, this.#write.put([fact], this.#clock.now()))
      return true
    })
  }

  /** Takes something back, because it was acted on. Answers whether it had waited. */
  settle(userId: string, id: string): Promise<boolean> {
    return this.#queue.run(userId, async () => {
      const row = await this.read.one(userId, id)
      if (row?.removal !== 'waiting') return false
      await this.#db.commit({ statements: this.#write.remove([row], 'acted', this.#clock.now()) })
      return true
    })
  }

  /**
   * Brings what a user is told of a room's messages in line with what they have not read. Who follows receipts passes over
   * what is not raised yet: whether it was read meanwhile is seen after that.
   */
  follow(userId: string, roomNid: number): Promise<void> {
    return this.#queue.run(userId, async () => {
      for (;;) {
        const before = this.#db.position('receipts')
        const isRaised = await this.#align(userId, roomNid)
        if (!isRaised || this.#db.position('receipts') === before) return
      }
    })
  }

  /** Answers whether anything is told that was not told before. */
  async #align(userId: string, roomNid: number): Promise<boolean> {
    const [room] = await this.#readers.rooms.byNids([roomNid])
    if (room === undefined) return false
    const { roomId } = room
    const unread = await this.#messages(userId, roomNid)
    const { horizon } = this
    const wanted = messageFacts({ userId, roomId }, unread).filter(({ ts }) => ts >= horizon)
    const stored = (await this.read.inRoom(userId, roomId)).filter(isMessage)
    const before = new Map(stored.map(row => [row.id, row]))
    const changed = wanted.filter(fact => !isSame(before.get(fact.id), fact))
    const gone = stored.filter(({ id }) => !wanted.some(fact => fact.id === id))
    const now = this.#clock.now()
    await this.#commit(userId, [
      ...this.#write.put(changed, now),
      ...this.#write.remove(gone, 'acted', now, changed.length),
    ])
    return changed.length > 0
  }

  /** A user has read a room up to where they have, or has been active in it: what that answers is gone. */
  async visited({ userId, roomNid, position }: Visit, stream: VisitStream): Promise<void> {
    await this.#settleIn(userId, roomNid, async row => {
      const upTo = await this.rooms.readUpTo(userId, roomNid)
      return isReadBy(row, upTo) || isAnsweredBy(row, { stream, position })
    })
  }

  /** A user is no longer in a room: nothing of it waits for them but an invitation, and what became of their own. */
  async left(userId: string, roomNid: number): Promise<void> {
    await this.#settleIn(userId, roomNid, ({ kind }) => kind === 'conversation_requested' || kind === 'knock')
  }

  async #settleIn(
    userId: string,
    roomNid: number,
    isOver: (row: NotificationRow) => boolean | Promise<boolean>,
  ): Promise<void> {
    await this.follow(userId, roomNid)
    await this.#queue.run(userId, async () => {
      const [room] = await this.#readers.rooms.byNids([roomNid])
      if (room === undefined) return
      const rows: NotificationRow[] = []
      for (const row of await this.read.inRoom(userId, room.roomId)) if (await isOver(row)) rows.push(row)
      const statements = this.#write.remove(rows, 'acted', this.#clock.now())
      if (statements.length > 0) await this.#db.commit({ statements })
    })
  }

  /** Closes notifications that wait, as their user wishes. */
  dismiss(userId: string, rows: readonly NotificationRow[]): Promise<void> {
    return this.#queue.run(userId, () => this.#remove(rows, 'dismissed'))
  }

  /** Gives notifications up, for their age or with what they are about. */
  async expire(rows: readonly NotificationRow[]): Promise<void> {
    await this.#remove(rows, 'acted')
  }

  /** Forgets what has been over since before an instant; answers the newest position that nobody can be told of now. */
  async forget(before: number): Promise<{ statement: WriteStatement; newest: number } | undefined> {
    const newest = await this.#write.newestForgotten(before)
    return newest === undefined ? undefined : { statement: this.#write.forget(before), newest }
  }

  async #messages(userId: string, roomNid: number): Promise<{ newest: KnownMessage[]; count: number }> {
    const unread = await this.#unread.ofRoom(userId, roomNid, MESSAGES_READ)
    const events = await this.#readers.events.byNids(unread.newest.map(({ eventNid }) => eventNid))
    const byNid = new Map(events.map(({ nid, event }) => [nid, event]))
    const newest = unread.newest.flatMap(message => {
      const event = byNid.get(message.eventNid)
      if (event === undefined) return []
      return [{ ...message, eventId: event.eventId, type: event.type, sender: event.sender }]
    })
    return { newest, count: unread.count - (unread.newest.length - newest.length) }
  }

  /** The rooms whose messages wait for a user, newest first. */
  messageRooms(userId: string, limit: number): Promise<number[]> {
    return this.#unread.rooms(userId, this.horizon, limit)
  }

  async #commit(userId: string, statements: readonly WriteStatement[]): Promise<void> {
    if (statements.length === 0) return
    await this.#db.commit({ statements })
    const { maxPerUser } = this.#limits
    const count = await this.read.count(userId, NOTIFICATION_KINDS)
    if (count > maxPerUser * SLACK)
      await this.#remove(await this.read.oldest(userId, count - maxPerUser), 'acted')
  }

  async #remove(rows: readonly NotificationRow[], removal: Exclude<Removal, 'waiting'>): Promise<void> {
    if (rows.length === 0) return
    const statements: WriteStatement[] = this.#write.remove(rows, removal, this.#clock.now())
    for (const row of rows.filter(isMessage)) statements.push(...(await this.#dismissal(row)))
    await this.#db.commit({ statements })
  }

  /** What has been closed stays unread, but is no notification any more. */
  async #dismissal({ userId, roomId, eventPosition, count }: NotificationRow): Promise<WriteStatement[]> {
    const room = await this.#readers.rooms.byId(roomId)
    if (room === undefined || eventPosition === undefined) return []
    if (count === 1) return this.#dismissals.at(userId, room.nid, eventPosition)
    const others = (await this.read.inRoom(userId, roomId)).filter(row => isMessage(row) && row.count === 1)
    const except = others.flatMap(row => row.eventPosition ?? [])
    return this.#dismissals.upTo(userId, room.nid, eventPosition, except)
  }
}

const isMessage = ({ kind }: Pick<NotificationRow, 'kind'>): boolean => MESSAGE_KINDS.includes(kind)

const isSame = (row: NotificationRow | undefined, fact: NotificationFact): boolean =>
  row !== undefined &&
  row.kind === fact.kind &&
  row.sender === fact.sender &&
  row.eventId === fact.eventId &&
  row.count === fact.count &&
  row.ts === fact.ts &&
  JSON.stringify(row.details) === JSON.stringify(fact.details)
