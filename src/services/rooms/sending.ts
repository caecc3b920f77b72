import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import { checkTerms } from '../../core/invitation-terms.ts'
import type { JsonObject } from '../../core/json.ts'
import { checkMediaContent, MEDIA_STATE } from '../../core/media-policy.ts'
import type { Requester } from '../requester.ts'
import { checkAliases } from './alias-checks.ts'
import type { Directory } from './directory.ts'
import { checkGuestMembership } from './guest-memberships.ts'
import type { EventTemplate } from './local-event.ts'
import { checkMedia } from './media-checks.ts'
import type { Memberships } from './memberships.ts'
import { checkRedaction, mayRedact } from './redaction-checks.ts'
import { redactRelated } from './related-redactions.ts'
import { checkRelation } from './relation-checks.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomSender, SendOptions, Sent } from './room-sender.ts'
import { contentShown } from './room-summary.ts'
import type { RoomWriter } from './room-writer.ts'
import { checkIsUser, checkLevels, checkOwnAccess } from './state-content.ts'

/** What a client asks to be sent into a room. */
export interface Message {
  readonly roomId: string
  readonly type: string
  readonly txnId: string
  readonly content: JsonObject
  /** Milliseconds; what an application service says of the time ("Timestamp massaging"). */
  readonly ts?: number | undefined
  /** For how long it is to be sticky (MSC4354), in milliseconds: at most an hour. */
  readonly stickyMs?: number | undefined
}

export interface StateChange {
  readonly roomId: string
  readonly type: string
  readonly stateKey: string
  readonly content: JsonObject
  readonly ts?: number | undefined
  readonly stickyMs?: number | undefined
}

export interface Redaction {
  readonly roomId: string
  readonly redacts: string
  readonly txnId: string
  readonly reason: string | undefined
  /** The redaction's whole content, where there is more than a reason. */
  readonly content?: JsonObject
  /** Relation types of which related events are redacted too; `*` for all (MSC3912). */
  readonly withRelTypes?: readonly string[] | undefined
}

/** How a message goes out other than at its client's request: under whose transaction, and what is committed with it. */
export type Delivery = Pick<SendOptions, 'transaction' | 'statements'>

/** `position` is missing where the event was there already, and nothing was committed. */
export type Delivered = Pick<Sent, 'eventId'> & Partial<Pick<Sent, 'position'>>

/** Sends what clients ask for, after the checks that are this server's own and not the room's. */
export class Sending {
  readonly #writer: RoomWriter
  readonly #sender: RoomSender
  readonly #memberships: Memberships
  readonly #directory: Directory

  constructor(parts: {
    writer: RoomWriter
    sender: RoomSender
    memberships: Memberships
    directory: Directory
  }) {
    this.#writer = parts.writer
    this.#sender = parts.sender
    this.#memberships = parts.memberships
    this.#directory = parts.directory
  }

  /** Sends a message event, once for each transaction ID of the device. Throws `M_FORBIDDEN`, `M_TOO_LARGE`, and as `redaction`, `checkMedia` and `checkRelation`. */
  async message(requester: Requester, message: Message, delivery: Delivery = {}): Promise<Delivered> {
    // Awaited: a promise that is answered as it is takes two turns more.
    return await this.#message(requester, message, delivery)
  }

  #message(requester: Requester, message: Message, delivery: Delivery): Promise<Delivered> {
    const { roomId, type, txnId, content, ts, stickyMs } = message
    const { transaction } = transactionOf(requester, 'send', roomId, type, txnId)
    if (type === REDACTION) {
      const { redacts, ...others } = content
      // Not every server bears a redaction of nothing.
      if (typeof redacts !== 'string')
        throw new MatrixError('M_INVALID_PARAM', 'A redaction names the event that it redacts')
      const options = {
        originServerTs: ts,
        stickyMs,
        ...delivery,
        transaction: delivery.transaction ?? transaction,
      }
      return this.redaction(
        requester,
        { roomId, txnId, redacts, reason: undefined, content: others },
        options,
      )
    }
    // "A user may be allowed to send `m.room.redaction` events but not `m.room.message` events."
    if (requester.isSuspended) throw suspended()
    const template = { type, sender: requester.userId, content, originServerTs: ts, stickyMs }
    const check = (head: RoomHead): Promise<void> | void => {
      const { context } = this.#writer
      const relation = () => checkRelation(context, head, { ...template, transaction })
      return checkMedia(context, head, template)?.then(relation) ?? relation()
    }
    return this.#sender.send(roomId, template, { transaction, check, ...delivery })
  }

  /** Redacts an event. Throws `M_NOT_FOUND` if the room has no such event, `M_FORBIDDEN`. */
  async redaction(
    requester: Requester,
    redaction: Redaction,
    {
      originServerTs,
      stickyMs,
      ...delivery
    }: Delivery & Pick<EventTemplate, 'originServerTs' | 'stickyMs'> = {},
  ): Promise<Delivered> {
    const { roomId, redacts, txnId, reason, withRelTypes = [] } = redaction
    const { read } = this.#writer.context
    const [target, room] = await Promise.all([read.events.byId(redacts), read.rooms.byId(roomId)])
    if (target === undefined || target.roomNid !== room?.nid) {
      throw new MatrixError('M_NOT_FOUND', 'The room has no such event')
    }
    if (requester.isSuspended && target.event.sender !== requester.userId) throw suspended()
    const content = redaction.content ?? (reason === undefined ? {} : { reason })
    const template = { type: REDACTION, sender: requester.userId, content, redacts, originServerTs, stickyMs }
    const transaction = transactionOf(requester, 'redact', roomId, redacts, txnId)
    const check = (head: RoomHead): Promise<void> =>
      checkRedaction(this.#writer.context, head, requester, target.event)
    const sent = await this.#sender.send(roomId, template, { ...transaction, check, ...delivery })
    if (withRelTypes.length > 0) {
      await redactRelated(
        { writer: this.#writer, sender: this.#sender },
        {
          ...{ userId: requester.userId, roomId, target, relTypes: withRelTypes, content },
          may: async ({ event }) => {
            if (requester.isSuspended && event.sender !== requester.userId) return false
            const head = await this.#writer.head(roomId)
            return head !== undefined && mayRedact(this.#writer.context, head, requester, event)
          },
        },
      )
    }
    return sent
  }

  /**
   * Sets state. Memberships go the way of the membership endpoints where another server has a say.
   * Throws `M_FORBIDDEN`, `M_USER_SUSPENDED`, `M_TOO_LARGE`, `M_INVALID_PARAM`, `M_BAD_ALIAS`, `M_INVITE_BLOCKED`, `M_GUEST_ACCESS_FORBIDDEN`.
   */
  async state(requester: Requester, change: StateChange, delivery: Delivery = {}): Promise<Delivered> {
    const { roomId, type, stateKey, content: given, ts, stickyMs } = change
    const { userId } = requester
    const leaves = type === 'm.room.member' && given['membership'] === 'leave' && stateKey === userId
    if (requester.isSuspended && !leaves) throw suspended()
    checkGuestMembership(requester, change)
    if (type === 'm.room.member') checkIsUser(stateKey)
    const content =
      type === 'm.room.member'
        ? await this.#memberships.written({ sender: userId, roomId, userId: stateKey, content: given })
        : given
    if (type === 'm.room.canonical_alias') {
      const before = await this.#current(roomId, type)
      const parts = { writer: this.#writer, directory: this.#directory }
      await checkAliases(parts, { userId, roomId }, { content, before })
    }
    if (type === 'm.room.create') throw new MatrixError('M_FORBIDDEN', 'A room is created only once')
    // Whether somebody may redact an event is judged where redactions are sent.
    if (type === REDACTION) throw new MatrixError('M_INVALID_PARAM', 'A redaction is no state')
    if (type === MEDIA_STATE) checkMediaContent(content)
    if (type === 'm.room.server_acl') checkOwnAccess(content, this.#writer.context.serverName)
    if (type === 'm.room.power_levels') checkLevels(content, await this.#current(roomId, type))
    const joins = type === 'm.room.member' && content['membership'] === 'join' && stateKey === userId
    if (joins) await this.#memberships.checkJoin({ userId, roomId })
    if (leaves) await this.#memberships.checkLeave({ userId, roomId })
    const invites = type === 'm.room.member' && content['membership'] === 'invite'
    if (invites) checkTerms(content, this.#writer.context.clock.now())
    if (invites) await this.#memberships.checkInvitation({ sender: userId, userId: stateKey, roomId })
    if (invites && serverNameOf(stateKey) !== this.#writer.context.serverName) {
      const { membership: _, ...others } = content
      await this.#memberships.invite({ sender: userId, userId: stateKey, roomId, content: others })
      const entry = (await this.#writer.head(roomId))?.entry(type, stateKey)
      if (entry !== undefined) return { eventId: entry.eventId }
    }
    const template = { type, sender: userId, stateKey, content, originServerTs: ts, stickyMs }
    const check = (head: RoomHead) => checkMedia(this.#writer.context, head, template)
    return this.#sender.send(roomId, template, { check, ...delivery })
  }

  /** The content of a state event of the room, under the empty state key, as it is now. */
  async #current(roomId: string, type: string): Promise<JsonObject | undefined> {
    const entry = (await this.#writer.head(roomId))?.entry(type, '')
    const [stored] = entry === undefined ? [] : await this.#writer.context.read.events.byNids([entry.nid])
    return stored && contentShown(stored)
  }
}

const REDACTION = 'm.room.redaction'

/** "The server MUST respond with a `403 Forbidden` error response with `M_USER_SUSPENDED`" ("Account suspension"). */
export const suspended = (): MatrixError =>
  new MatrixError('M_USER_SUSPENDED', 'You cannot perform this action while suspended')

const transactionOf = (
  requester: Requester,
  operation: string,
  roomId: string,
  path: string,
  txnId: string,
) => ({
  transaction: {
    userId: requester.userId,
    // Tokens without a device (application services) share one space of transaction IDs.
    deviceId: requester.deviceId ?? '',
    tokenId: requester.tokenId,
    scope: `${operation} ${roomId} ${path}`,
    txnId,
  },
})
