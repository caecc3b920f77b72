import { MatrixError } from '../../../core/errors.ts'
import { addSignature } from '../../../core/event/builder.ts'
import type { RoomEvent } from '../../../core/event/event.ts'
import { serverNameOf } from '../../../core/ids.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { SigningKey } from '../../../core/signing.ts'
import { RelayedEventWriter } from '../../../storage/federation/relayed-events.ts'
import type { StoredEvent } from '../../../storage/rooms/events.ts'
import type { StateViews } from '../../../storage/rooms/state-views.ts'
import type { Body } from '../../body.ts'
import type { DummyEvents } from '../../rooms/dummy-events.ts'
import { describingState } from '../../rooms/invitation-statements.ts'
import { makeLocalEvent } from '../../rooms/local-event.ts'
import { receiveRecommended } from '../../rooms/receive-recommended.ts'
import { restrictedJoin } from '../../rooms/restricted-join.ts'
import type { RoomHead } from '../../rooms/room-head.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'
import type { EventVerifier } from '../verify-event.ts'
import { joinAnswer } from './join-answer.ts'
import { checkOwnUser, type HandedIn, parseMembershipEvent } from './membership-event.ts'
import type { RoomGate } from './room-gate.ts'
import { type CountWork, countAnswered } from './state-work.ts'

type Handshake = 'join' | 'leave' | 'knock'

/** Whom the event is to be about. */
export interface TemplateRequest {
  readonly roomId: string
  readonly userId: string
  /** The room versions that the asking server knows; `undefined` where it is not asked. */
  readonly versions?: readonly string[]
}

export interface Template {
  readonly room_version: string
  readonly event: JsonObject
}

/**
 * How users of other servers join, leave and knock through this server (server-server API, "Joining Rooms", "Leaving
 * Rooms", "Knocking upon a room"): it prepares the event, their server signs it, and this server lets it into the
 * room and passes it on to the others.
 */
export class Handshakes {
  readonly #writer: RoomWriter
  readonly #gate: RoomGate
  readonly #verifier: EventVerifier
  readonly #signingKey: SigningKey
  readonly #relays: RelayedEventWriter
  readonly #views: StateViews
  readonly #dummies: DummyEvents

  constructor(parts: {
    writer: RoomWriter
    dummies: DummyEvents
    gate: RoomGate
    verifier: EventVerifier
    signingKey: SigningKey
    views: StateViews
  }) {
    this.#views = parts.views
    this.#dummies = parts.dummies
    this.#writer = parts.writer
    this.#gate = parts.gate
    this.#verifier = parts.verifier
    this.#signingKey = parts.signingKey
    this.#relays = new RelayedEventWriter(parts.writer.context.db)
  }

  /**
   * Prepares a join. Throws `M_NOT_FOUND`, `M_FORBIDDEN`, `M_INCOMPATIBLE_ROOM_VERSION`, `M_UNABLE_TO_GRANT_JOIN` where
   * another server has to do it, and for restricted rooms `M_UNABLE_TO_AUTHORISE_JOIN`.
   */
  async makeJoin(origin: string, request: TemplateRequest): Promise<Template> {
    const head = await this.#completeHead(await this.#headFor(origin, request))
    await this.#checkHeard(head)
    const by = await this.#authoriser(head, request.userId)
    return this.#template(head, request.userId, 'join', {
      ...(by === undefined ? {} : { join_authorised_via_users_server: by }),
    })
  }

  /** Prepares a leave: of a member, of somebody invited, or of somebody who knocked. */
  async makeLeave(origin: string, request: TemplateRequest): Promise<Template> {
    const head = await this.#headFor(origin, request)
    const known = head.memberships.has(request.userId) ? head : await this.#completeHead(head)
    return this.#template(known, request.userId, 'leave')
  }

  /** Prepares a knock. */
  async makeKnock(origin: string, request: TemplateRequest): Promise<Template> {
    const head = await this.#completeHead(await this.#headFor(origin, request))
    return this.#template(head, request.userId, 'knock')
  }

  /** Lets the user of another server in, and answers the room as it was before. Throws what `count` throws before that. */
  async sendJoin(
    origin: string,
    handedIn: HandedIn & { readonly omitMembers: boolean },
    count: CountWork,
  ): Promise<Body> {
    count(1)
    const head = await this.#completeHead(await this.#gate.resident(origin, handedIn.roomId))
    const hosts = head.joinedHosts()
    const stored = await this.#accept(origin, head, handedIn, 'join')
    this.#dummies.joined(handedIn.roomId)
    const { read } = this.#writer.context
    const { omitMembers } = handedIn
    const onFound = (events: number): void => countAnswered(count, events)
    return joinAnswer({ read, views: this.#views }, stored, { hosts, omitMembers, onFound })
  }

  /** Lets a leave into the room. */
  async sendLeave(origin: string, handedIn: HandedIn): Promise<void> {
    const head = await this.#gate.resident(origin, handedIn.roomId)
    await this.#accept(origin, head, handedIn, 'leave')
  }

  /** Lets a knock into the room; answers the events that describe it. */
  async sendKnock(origin: string, handedIn: HandedIn): Promise<JsonObject[]> {
    const head = await this.#completeHead(await this.#gate.resident(origin, handedIn.roomId))
    await this.#accept(origin, head, handedIn, 'knock')
    return describingState(this.#writer.context, head, [])
  }

  async #headFor(origin: string, { roomId, userId, versions }: TemplateRequest): Promise<RoomHead> {
    checkOwnUser(origin, userId)
    const head = await this.#gate.resident(origin, roomId)
    if (versions !== undefined && !versions.includes(head.version.id)) {
      throw new MatrixError(
        'M_INCOMPATIBLE_ROOM_VERSION',
        `Your server does not know room version ${head.version.id}`,
        { fields: { room_version: head.version.id } },
      )
    }
    return head
  }

  /** Nobody would hear from us who has joined, if the room shuts this server out: another has to let them in. */
  async #checkHeard(head: RoomHead): Promise<void> {
    if (await this.#gate.allows(head, this.#writer.context.serverName)) return
    throw new MatrixError('M_UNABLE_TO_GRANT_JOIN', 'This server is banned from this room')
  }

  /** The head once all members are known, of whom it depends whether others may come in. */
  async #completeHead(head: RoomHead): Promise<RoomHead> {
    if (head.partial === undefined) return head
    await this.#gate.complete(head)
    return (await this.#writer.head(head.room.roomId)) ?? head
  }

  async #template(
    head: RoomHead,
    userId: string,
    membership: Handshake,
    content: JsonObject = {},
  ): Promise<Template> {
    const { context } = this.#writer
    const member = {
      type: 'm.room.member',
      sender: userId,
      stateKey: userId,
      content: { ...content, membership },
    }
    // Made like our own events, so that the rules refuse here what they would refuse when it comes back; and on what is there by then.
    const make = async (now: RoomHead) => ({
      settled: await makeLocalEvent(context, this.#signingKey, now, member),
    })
    const { event } = await this.#writer.update(head.room.roomId, make, { settled: true })
    const { hashes: _, signatures: __, event_id: ___, ...template } = event.pdu
    return { room_version: head.version.id, event: { ...template, origin: context.serverName } }
  }

  /** Who of this server vouches for a join, where the room's rules ask for it. */
  async #authoriser(head: RoomHead, userId: string): Promise<string | undefined> {
    const restricted = await restrictedJoin(this.#writer.context, head, userId)
    if (restricted.kind === 'authorised') return restricted.by
    if (restricted.kind === 'unrestricted') return undefined
    if (restricted.kind === 'elsewhere') {
      throw new MatrixError('M_UNABLE_TO_GRANT_JOIN', 'Nobody on this server may let others into this room')
    }
    if (restricted.certain) {
      throw new MatrixError('M_FORBIDDEN', 'None of the conditions to join this room is met')
    }
    throw new MatrixError('M_UNABLE_TO_AUTHORISE_JOIN', 'This server cannot check the conditions to join')
  }

  async #accept(
    origin: string,
    head: RoomHead,
    handedIn: HandedIn,
    membership: Handshake,
  ): Promise<StoredEvent> {
    const { context } = this.#writer
    const claimed = parseMembershipEvent(handedIn, head.version, membership)
    if (serverNameOf(claimed.sender) !== origin) {
      throw new MatrixError('M_INVALID_PARAM', 'The event is not of a user of your server')
    }
    if (claimed.stateKey !== claimed.sender) {
      throw new MatrixError('M_INVALID_PARAM', 'The event is about somebody else than its sender')
    }
    const asksUs = this.#asksUsToVouch(claimed)
    const verified = await this.#verifier.verify(handedIn.event, head.version, {
      ...(asksUs ? { exempt: context.serverName } : {}),
      alsoSignedBy: [origin],
    })
    if ('refusal' in verified)
      throw new MatrixError('M_INVALID_PARAM', `The event is refused: ${verified.refusal}`)
    if (asksUs) await this.#authoriser(head, claimed.sender)
    // "The resident homeserver then adds its signature to this event"
    const event =
      membership === 'join'
        ? addSignature(verified.event, context.serverName, this.#signingKey)
        : verified.event
    const received = await receiveRecommended(this.#writer, event, {
      statements: nid => [this.#relays.insert(nid)],
    })
    if (received.outcome === 'rejected' || received.outcome === 'soft-failed') {
      throw new MatrixError('M_FORBIDDEN', received.reason)
    }
    if (received.outcome === 'missing') {
      throw new MatrixError('M_INVALID_PARAM', 'The event builds on events that are not known here')
    }
    const stored = await context.read.events.byId(event.eventId)
    if (stored === undefined || stored.rejected !== undefined || stored.softFailed) {
      throw new MatrixError('M_FORBIDDEN', 'The event was refused before')
    }
    return stored
  }

  /** Whether one of our users is named as vouching for the join, which takes our signature (rooms/v8.md). */
  #asksUsToVouch({ content, version }: RoomEvent): boolean {
    const by = content['join_authorised_via_users_server']
    const { serverName } = this.#writer.context
    return (
      version.signatures.restrictedJoinServer && typeof by === 'string' && serverNameOf(by) === serverName
    )
  }
}
