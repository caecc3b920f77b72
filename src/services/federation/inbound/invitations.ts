import { MatrixError } from '../../../core/errors.ts'
import { addSignature } from '../../../core/event/builder.ts'
import { strippedStateEvent } from '../../../core/event/client-event.ts'
import type { RoomEvent } from '../../../core/event/event.ts'
import { asItTravels } from '../../../core/event/loose-numbers.ts'
import { serverNameOf } from '../../../core/ids.ts'
import { invitationOutcome, termsOf } from '../../../core/invitation-terms.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts'
import type { Log } from '../../../core/log.ts'
import { RECORD_KEY, readFacts, type ToldFacts } from '../../../core/room-record.ts'
import { type RoomVersion, roomVersion } from '../../../core/room-versions.ts'
import type { SigningKey } from '../../../core/signing.ts'
import { endingBy } from '../../rooms/invitation-ending.ts'
import type { InvitePolicies } from '../../rooms/invite-policies.ts'
import type { InvitationCheck } from '../../rooms/ports.ts'
import { membershipOf, type RoomHead } from '../../rooms/room-head.ts'
import type { RoomsContext, RoomWriter } from '../../rooms/room-writer.ts'
import { type RoomDescription, readDescription } from '../room-description.ts'
import type { EventVerifier } from '../verify-event.ts'
import { type HandedIn, parseMembershipEvent } from './membership-event.ts'
import type { RoomGate } from './room-gate.ts'

/** An invitation as another server hands it over. */
export interface ReceivedInvite extends HandedIn {
  readonly roomVersion: string
  /** Events that describe the room: whole ones, or only stripped. */
  readonly roomState: readonly JsonValue[]
}

/** Whether somebody may be invited: an account of this server that is in use. */
export type MayBeInvited = (userId: string) => Promise<boolean>

const INVITES = { stream: 'invites', offset: 0 } as const

/** For so long an invitation waits for the event by which the user has left the room, and so often it is looked for. Milliseconds. */
const PATIENCE_MS = 8_000
const LOOK_EVERY_MS = 200

/** Invitations of local users by users of other servers (server-server API, "Inviting to a room"). */
export class InvitationReceiver {
  /** What is asked before an invitation is taken. */
  readonly checks: InvitationCheck[] = []
  readonly #writer: RoomWriter
  readonly #context: RoomsContext
  readonly #gate: RoomGate
  readonly #verifier: EventVerifier
  readonly #signingKey: SigningKey
  readonly #mayBeInvited: MayBeInvited
  readonly #invitePolicies: InvitePolicies
  readonly #log: Log

  constructor(parts: {
    writer: RoomWriter
    gate: RoomGate
    verifier: EventVerifier
    signingKey: SigningKey
    mayBeInvited: MayBeInvited
    invitePolicies: InvitePolicies
    log: Log
  }) {
    this.#writer = parts.writer
    this.#context = parts.writer.context
    this.#gate = parts.gate
    this.#verifier = parts.verifier
    this.#signingKey = parts.signingKey
    this.#mayBeInvited = parts.mayBeInvited
    this.#invitePolicies = parts.invitePolicies
    this.#log = parts.log
  }

  /**
   * Takes an invitation; answers the event with our signature added. It is the invited user's to see at once, unless
   * this server is in the room: then the event itself follows as part of the room.
   *
   * Throws `M_INCOMPATIBLE_ROOM_VERSION`, `M_BAD_JSON`, `M_INVALID_PARAM`, `M_FORBIDDEN`, `M_INVITE_BLOCKED`,
   * `M_LIMIT_EXCEEDED`.
   */
  async receive(origin: string, invite: ReceivedInvite): Promise<JsonObject> {
    const version = knownVersion(invite.roomVersion)
    const claimed = parseMembershipEvent(invite, version, 'invite')
    const userId = claimed.stateKey ?? ''
    const { serverName } = this.#context
    if (serverNameOf(userId) !== serverName) {
      throw new MatrixError('M_INVALID_PARAM', `${userId} is not a user of this server`)
    }
    const event = await this.#verified(origin, claimed, invite, version)
    if (!(await this.#mayBeInvited(userId))) {
      throw new MatrixError('M_FORBIDDEN', `${userId} cannot be invited`)
    }
    await this.#invitePolicies.admit(userId, event.sender)
    for (const check of this.checks) await check({ sender: event.sender, userId, roomId: event.roomId })
    const signed = addSignature(event, serverName, this.#signingKey)
    const head = await this.#headWithout(userId, invite.roomId, origin)
    const { stripped, createdTs } = await this.#describe(invite, version)
    const facts = { ...(createdTs === undefined ? {} : { created_ts: createdTs }), ...toldFacts(invite) }
    if (!head?.hasHost(serverName)) await this.#store(signed, stripped, facts)
    // "All other fields of the events should remain untouched": also what is not signed.
    const { unsigned } = invite.event
    const travels = asItTravels(signed.pdu, version)
    return unsigned === undefined ? travels : { ...travels, unsigned }
  }

  /**
   * Takes notice that an invitation to a room in which nobody here is has been withdrawn: a leave or ban of the
   * invited user that names the invitation among its auth events. Nothing else can be said of such a room.
   *
   * @returns the event's ID if it was about an invitation that is pending here.
   */
  async rescind(origin: string, pdu: JsonObject): Promise<string | undefined> {
    const { state_key: userId, room_id: roomId, type, sender } = pdu
    if (type !== 'm.room.member' || typeof userId !== 'string' || typeof roomId !== 'string') return undefined
    if (typeof sender !== 'string' || serverNameOf(userId) !== this.#context.serverName) return undefined
    const invitation = await this.#context.read.invitations.one(userId, roomId)
    const version = invitation && roomVersion(invitation.roomVersion)
    if (invitation?.status !== 'invited' || version === undefined) return undefined
    const verified = await this.#verifier.verify(pdu, version, { alsoSignedBy: [origin] })
    if ('refusal' in verified) return undefined
    const { event } = verified
    const membership = membershipOf(event)
    if (membership !== 'leave' && membership !== 'ban') return undefined
    if (event.roomId !== roomId || !event.authEvents.includes(invitation.eventId)) return undefined
    const { write, db, clock } = this.#context
    const invited = invitation.event['content']
    const { expiresTs } = termsOf(isJsonObject(invited) ? invited : {})
    const status = invitationOutcome(event, expiresTs) ?? 'cancelled'
    const end = { status, now: clock.now(), position: INVITES, ending: endingBy(event) }
    await db.commit({ statements: [write.invitations.settle({ userId, roomId }, end)] })
    return event.eventId
  }

  /**
   * The room as it is here once the user is out of it, whom nobody may invite before: that they left, or were removed, may be under way
   * to us still. Throws `M_BAD_STATE` where that does not come and nobody else here would be told of the invitation by the room, and
   * `M_FORBIDDEN`, without waiting for anything, where the server that invites is banned from the room. Of a room in which nobody here is
   * any more that is not known: it may have been let in again since, and is where it can invite.
   */
  async #headWithout(userId: string, roomId: string, origin: string): Promise<RoomHead | undefined> {
    const { clock, serverName } = this.#context
    // Counted, not timed: a clock that is set back keeps nobody waiting.
    for (let waited = 0; ; waited += LOOK_EVERY_MS) {
      const head = await this.#writer.head(roomId)
      if (head?.hasHost(serverName) === true && !(await this.#gate.allows(head, origin))) {
        throw new MatrixError('M_FORBIDDEN', 'Your server is banned from this room')
      }
      if (head?.memberships.get(userId) !== 'join') return head
      if (waited < PATIENCE_MS) {
        await clock.sleep(LOOK_EVERY_MS)
        continue
      }
      const isAnother = ([other, membership]: readonly [string, string]): boolean =>
        membership === 'join' && other !== userId && serverNameOf(other) === serverName
      if ([...head.memberships].some(isAnother)) return head
      throw new MatrixError('M_BAD_STATE', `To their server ${userId} is in this room still: try again later`)
    }
  }

  async #verified(
    origin: string,
    claimed: RoomEvent,
    invite: ReceivedInvite,
    version: RoomVersion,
  ): Promise<RoomEvent> {
    if (serverNameOf(claimed.sender) !== origin) {
      throw new MatrixError('M_INVALID_PARAM', 'Only the server of its sender may hand over an invitation')
    }
    // Also where the rules of the room would have another server's word suffice (third-party invites).
    const verified = await this.#verifier.verify(invite.event, version, { alsoSignedBy: [origin] })
    if ('refusal' in verified)
      throw new MatrixError('M_INVALID_PARAM', `The event is refused: ${verified.refusal}`)
    return verified.event
  }

  /**
   * What describes the room, as clients get it. "The `invite_room_state` has additional validation, which servers MAY apply
   * to room versions 1 through 11 and SHOULD apply to all other room versions": rooms of older versions only lose what is wrong.
   */
  async #describe({ roomId, roomState }: ReceivedInvite, version: RoomVersion): Promise<RoomDescription> {
    const description = await readDescription(roomState, { roomId, version }, (pdus, of, options) =>
      this.#verifier.verifyAll(pdus, of, options),
    )
    const { hasCreate, improper } = description
    const mustBeProper = version.format.roomIdIsCreateHash
    // The prose speaks of `M_MISSING_PARAM`; the endpoint's own list, and its example, of this.
    if (mustBeProper && !hasCreate) {
      throw new MatrixError('M_INVALID_PARAM', 'The room’s create event is not in invite_room_state')
    }
    if (mustBeProper && improper > 0) {
      throw new MatrixError('M_INVALID_PARAM', 'invite_room_state holds what is no event of the room')
    }
    if (improper > 0) this.#log.info({ room: roomId, improper }, 'what describes a room is partly wrong')
    return description
  }

  async #store(event: RoomEvent, strippedState: JsonObject[], facts: ToldFacts): Promise<void> {
    const { write, db, clock } = this.#context
    const withOwn = [...strippedState, strippedStateEvent(event)]
    const row = {
      userId: event.stateKey ?? '',
      roomId: event.roomId,
      kind: 'invite',
      sender: event.sender,
      updatedTs: clock.now(),
      event: { ...event.pdu, unsigned: { [RECORD_KEY]: facts } },
      eventId: event.eventId,
      roomVersion: event.version.id,
      strippedState: withOwn,
    } as const
    await db.commit({ statements: [write.invitations.put(row, INVITES)] })
  }
}

/** What the inviter's server tells of the room beside its state; only Tessera does. */
const toldFacts = ({ event }: ReceivedInvite): ToldFacts => {
  const unsigned = isJsonObject(event) ? event['unsigned'] : undefined
  return readFacts(isJsonObject(unsigned) ? unsigned[RECORD_KEY] : undefined)
}

const knownVersion = (id: string): RoomVersion => {
  const version = roomVersion(id)
  if (version !== undefined) return version
  throw new MatrixError('M_INCOMPATIBLE_ROOM_VERSION', `This server does not know room version ${id}`, {
    fields: { room_version: id },
  })
}
