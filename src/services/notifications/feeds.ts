import { serverNameOf } from '../../core/ids.ts'
import type { Log } from '../../core/log.ts'
import { notificationsOf } from '../../storage/followed-streams.ts'
import type { InvitationRecordReader } from '../../storage/invitations/records.ts'
import type { InboxRoom } from '../../storage/notifications/inboxes.ts'
import { MESSAGE_KINDS } from '../../storage/notifications/notifications.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { forEachBounded } from '../bounded.ts'
import type { SoleWork } from '../processes.ts'
import { asksForRedaction } from '../rooms/redact-on-ban.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { StreamFollower } from '../stream-follower.ts'
import type { Inbox } from './inbox.ts'
import { InvitationNotices } from './invitation-notices.ts'
import type { Knocks } from './knocks.ts'

const BATCH = 200
/** Positions after which it is written down how far it came. */
const NOTE_EVERY = 500
/** Inboxes brought up to date side by side; their commits share the disk. */
const AT_ONCE = 16

/**
 * Follows what notifications come from, and what takes them back: events (as far as they are judged by push rules),
 * receipts, and invitations. Each from where it was left, at least once; the same twice changes nothing.
 */
export class NotificationFeeds {
  readonly #context: RoomsContext
  readonly #inbox: Inbox
  readonly #knocks: Knocks
  readonly #records: InvitationRecordReader
  readonly #invitations: InvitationNotices
  readonly #log: Log
  readonly #followers: readonly StreamFollower[]

  constructor(parts: {
    context: RoomsContext
    inbox: Inbox
    knocks: Knocks
    records: InvitationRecordReader
    /** Resolves once everything up to a position of `events` is judged. */
    counted: (position: number) => Promise<void>
    sole: SoleWork
    log: Log
  }) {
    const { context, log, sole } = parts
    const { db: database, clock } = context
    this.#context = context
    this.#inbox = parts.inbox
    this.#knocks = parts.knocks
    this.#records = parts.records
    this.#invitations = new InvitationNotices(context, parts.inbox)
    this.#log = log
    const follower = (
      stream: 'events' | 'receipts' | 'invitation_records',
      work: (after: number, upTo: number) => Promise<number>,
    ) =>
      new StreamFollower({
        ...{ name: notificationsOf(stream), stream, database, clock, log, sole, work },
        // The same twice changes nothing, and most events are none of this.
        noteEvery: NOTE_EVERY,
      })
    this.#followers = [
      follower('events', async (after, upTo) => {
        await parts.counted(upTo)
        return this.#followEvents(after, upTo)
      }),
      follower('receipts', async (after, upTo) => {
        await this.#each(await this.#inbox.rooms.readers(after, upTo), visit =>
          this.#inbox.visited(visit, 'receipts'),
        )
        return upTo
      }),
      follower('invitation_records', (after, upTo) => this.#followInvitations(after, upTo)),
    ]
  }

  start(): void {
    for (const follower of this.#followers) follower.start()
  }

  /** Resolves once everything that is stored now has been followed. */
  async caughtUp(): Promise<void> {
    await Promise.all(this.#followers.map(follower => follower.caughtUp()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#followers.map(follower => follower.close()))
  }

  async #followEvents(after: number, end: number): Promise<number> {
    const found = await this.#inbox.rooms.events(after, end, BATCH)
    const upTo = found.length < BATCH ? end : (found.at(-1)?.position ?? end)
    await this.#each(await this.#inbox.rooms.notified(after, upTo), room =>
      this.#inbox.follow(room.userId, room.roomNid),
    )
    const stored = await this.#context.read.events.byNids(found.map(({ nid }) => nid))
    for (const one of stored) await this.#safely(one.event.roomId, () => this.#followEvent(one))
    // However many messages are redacted one after another, whoever has them in their inbox is looked after once.
    const lessened = new Map(stored.filter(takesBack).map(({ roomNid, event }) => [roomNid, event.roomId]))
    for (const [roomNid, roomId] of lessened)
      await this.#safely(roomId, () => this.#followAll(roomId, roomNid))
    // Where a member event has lost its place, no other need have come: the resolution of a conflict may have undone it.
    const moves = await this.#context.read.memberMoves.between(after, upTo)
    for (const move of moves.filter(({ began }) => !began))
      await this.#safely(move.userId, () => this.#followMember(move))
    await this.#each(await this.#inbox.rooms.writers(after, upTo), visit =>
      this.#inbox.visited(visit, 'events'),
    )
    // By their members some events were judged anew, and may be nothing to show.
    for (const { roomNid } of await this.#context.read.partial.completedBetween(after, upTo)) {
      const [room] = await this.#context.read.rooms.byNids([roomNid])
      if (room !== undefined) await this.#followAll(room.roomId, roomNid)
    }
    return upTo
  }

  /** Looks again at all that waits because of a room's messages. */
  async #followAll(roomId: string, roomNid: number): Promise<void> {
    const readers = await this.#inbox.read.usersInRoom(roomId, MESSAGE_KINDS)
    await this.#each(
      readers.map(userId => ({ userId, roomNid })),
      room => this.#inbox.follow(room.userId, roomNid),
    )
  }

  async #followEvent(stored: StoredEvent): Promise<void> {
    const { event, roomNid, position, nid } = stored
    const { type, stateKey: userId } = event
    if (type === 'm.room.redaction') await this.#followRedaction(stored)
    else if (userId !== undefined) {
      // One of another branch may be nothing to this one.
      const holds = (await this.#context.read.state.point(roomNid, type, userId, position)) === nid
      const isAway = holds && event.content['membership'] !== 'join'
      await this.#followMember({ roomNid, userId, ...(isAway ? { leftAt: position } : {}) })
    }
  }

  /** @param member.leftAt where they were away, even if they are there again: who has asked for them before has asked in vain */
  async #followMember({
    roomNid,
    userId,
    leftAt,
  }: InboxRoom & { readonly leftAt?: number | undefined }): Promise<void> {
    const { rooms, memberships } = this.#context.read
    const [room] = await rooms.byNids([roomNid])
    if (room === undefined) return
    const { roomId } = room
    await this.#knocks.follow({ roomId, roomNid, userId })
    if (!this.#isLocal(userId)) return
    if ((await this.#inbox.read.inRoom(userId, roomId)).length === 0) return
    const isIn = (await memberships.one(userId, roomNid))?.membership === 'join'
    if (!isIn) await this.#inbox.left(userId, roomNid)
    else if (leftAt === undefined) await this.#inbox.follow(userId, roomNid)
    else await this.#inbox.visited({ userId, roomNid, position: leftAt }, 'events')
  }

  /** A knock is told of without the reason that was taken back. */
  async #followRedaction(redaction: StoredEvent): Promise<void> {
    const [target] = (await this.#context.read.events.targetsOf([redaction])).values()
    if (target?.redactedBy === undefined || target.event.type !== 'm.room.member') return
    const { roomId, stateKey: userId } = target.event
    if (userId !== undefined) await this.#knocks.follow({ roomId, roomNid: target.roomNid, userId })
  }

  async #followInvitations(after: number, upTo: number): Promise<number> {
    const records = await this.#records.changed(after, upTo, BATCH)
    for (const record of records) {
      await this.#safely(record.roomId, () => this.#invitations.follow(record))
    }
    return records.length < BATCH ? upTo : (records.at(-1)?.position ?? upTo)
  }

  #isLocal(userId: string): boolean {
    return serverNameOf(userId) === this.#context.serverName
  }

  async #safely(about: string, work: () => Promise<void>): Promise<void> {
    await work().catch(error =>
      this.#log.warn({ err: error, about }, 'something was not looked at for notifications'),
    )
  }

  async #each<T extends InboxRoom>(rooms: readonly T[], work: (room: T) => Promise<void>): Promise<void> {
    await forEachBounded([...rooms], AT_ONCE, work)
  }
}

/** Whether messages of its room may wait no longer after an event. */
const takesBack = ({ event }: StoredEvent): boolean =>
  event.type === 'm.room.redaction' || asksForRedaction(event)
