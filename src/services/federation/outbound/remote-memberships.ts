import { MatrixError } from '../../../core/errors.ts'
import type { RoomEvent } from '../../../core/event/event.ts'
import { serverNameOf } from '../../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../../core/json.ts'
import { RECORD_KEY } from '../../../core/room-record.ts'
import { type RoomVersion, roomVersions } from '../../../core/room-versions.ts'
import type { Answer } from '../../answer.ts'
import type { RemoteMemberships, RemoteRequest } from '../../rooms/ports.ts'
import { shownEvent } from '../../rooms/shown-event.ts'
import { readDescription } from '../room-description.ts'
import { firstToHelp, type Help } from './candidates.ts'
import { toClientError } from './client-errors.ts'
import type { OutboundContext } from './context.ts'
import { completeTemplate, knownVersion, withSignaturesOf } from './handshake-event.ts'
import { type JoinPorts, RemoteJoin } from './remote-join.ts'

const CHANGED = { stream: 'invites', offset: 0 } as const

/** Memberships that take another server: joins, knocks, leaves and invitations (server-server API). */
export class RemoteMembershipHandshakes implements RemoteMemberships {
  readonly #context: OutboundContext
  readonly #joins: RemoteJoin

  constructor(context: OutboundContext, joins: JoinPorts) {
    this.#context = context
    this.#joins = new RemoteJoin(context, joins)
  }

  join(request: RemoteRequest): Promise<void> {
    return this.#joins.join(request)
  }

  /** Settles when no join of the room is under way. */
  joinsIdle(roomId: string): Answer<void> {
    return this.#joins.idle(roomId)
  }

  /**
   * "Knocking upon a room": the knock is kept as a pending invitation of the other direction. An invitation may answer it before the
   * answer to the request is here: that stays.
   */
  async knock(request: RemoteRequest): Promise<void> {
    const { federation, core, clock } = this.#context
    const { roomId, userId } = request
    const before = await core.context.read.invitations.one(userId, roomId)
    const versions = [...roomVersions.keys()]
    const { event, state } = await this.#throughAny('knock', request, {
      prepare: ({ server, ...options }) =>
        federation.makeKnock(server, { roomId, userId, versions }, options),
      finish: async (server, template) => {
        const event = this.#complete(template.event, knownVersion(template.roomVersion), request.content)
        const { eventId, pdu } = event
        return { event, state: await federation.sendKnock(server, { roomId, eventId, event: pdu }) }
      },
    })
    const { version } = event
    const description = await readDescription(state, { roomId, version }, this.#context.verifyEvents)
    const { db, write } = core.context
    const knock = write.invitations.putUnlessChanged(
      {
        userId,
        roomId,
        kind: 'knock',
        sender: userId,
        updatedTs: clock.now(),
        event: event.pdu,
        eventId: event.eventId,
        roomVersion: event.version.id,
        strippedState: description.stripped,
      },
      CHANGED,
      before,
    )
    await db.commit({ statements: [knock] })
  }

  /** "Leaving Rooms (Rejecting Invites)", also for taking back a knock. */
  async leave(request: RemoteRequest): Promise<RoomEvent> {
    const { federation, core } = this.#context
    const { roomId, userId } = request
    const pending = await core.context.read.invitations.one(userId, roomId)
    // Whoever told us of the room may have left it since.
    const others = (pending?.strippedState ?? []).map(event => serverNameOf(String(event['sender'] ?? '')))
    const via = [...request.via, serverNameOf(roomId), ...others]
    return this.#throughAny(
      'leave',
      { ...request, via },
      {
        prepare: ({ server, ...options }) => federation.makeLeave(server, { roomId, userId }, options),
        finish: async (server, template) => {
          const version = knownVersion(pending?.roomVersion ?? template.roomVersion)
          const leave = this.#complete(template.event, version, request.content)
          await federation.sendLeave(server, { roomId, eventId: leave.eventId, event: leave.pdu })
          return leave
        },
      },
    )
  }

  /**
   * "Inviting to a room": the answer must be our event, signed by the invited user's server as well. Throws
   * `M_UNSUPPORTED_ROOM_VERSION`, `M_FORBIDDEN` and others as that server says, `M_UNKNOWN` (502) if it answers anything else.
   */
  async invite(invitation: Parameters<RemoteMemberships['invite']>[0]): Promise<RoomEvent> {
    const { event, destination } = invitation
    const { roomId, eventId, pdu, version } = event
    const inviteRoomState = await this.#fullState(event, invitation.strippedState)
    // Unsigned, as it is no part of the room: servers that do not know it pass it over.
    const unsigned = {
      ...(isJsonObject(pdu['unsigned']) ? pdu['unsigned'] : {}),
      [RECORD_KEY]: invitation.facts,
    }
    const told = { ...pdu, unsigned }
    const invite = { roomId, eventId, event: told, roomVersion: version.id, inviteRoomState }
    const answered = await this.#context.federation.invite(destination, invite).catch(error => {
      throw refusedInvite(toClientError(error))
    })
    const signed = withSignaturesOf(event, answered, destination)
    const [verified] = await this.#context.verifyEvents([signed.pdu], version, {
      exempt: this.#context.core.context.serverName,
      alsoSignedBy: [destination],
    })
    if (verified === undefined || 'refusal' in verified) {
      throw new MatrixError('M_UNKNOWN', `${destination} did not sign the invitation`, { status: 502 })
    }
    return signed
  }

  /** "All events listed MUST additionally be formatted according to the room version": events in place of extracts. */
  async #fullState(invite: RoomEvent, extracts: readonly JsonObject[]): Promise<readonly JsonObject[]> {
    const { writer, context } = this.#context.core
    const head = await writer.head(invite.roomId)
    const nids = extracts.flatMap(
      ({ type, state_key }) => head?.entry(String(type), String(state_key ?? ''))?.nid ?? [],
    )
    return (await context.read.events.byNids(nids)).map(stored => shownEvent(stored).pdu)
  }

  #complete(template: JsonObject, version: RoomVersion, content: JsonObject): RoomEvent {
    const { context, signingKey } = this.#context.core
    const { serverName, random } = context
    const now = this.#context.clock.now()
    return completeTemplate(template, { serverName, signingKey, version, content, now, random })
  }

  #throughAny<P, T>(purpose: string, { via, roomId, userId }: RemoteRequest, help: Help<P, T>): Promise<T> {
    const { clock, log, core } = this.#context
    const servers = via.filter(server => server !== '' && server !== core.context.serverName)
    const here = log.child({ room: roomId, user: userId })
    return firstToHelp(servers, { clock, log: here, purpose }, help)
  }
}

/**
 * "Users being invited to the room are residents of a homeserver which does not support the requested room version. The `errcode`
 * will be `M_UNSUPPORTED_ROOM_VERSION`": that server says so by the code for those who want to join.
 */
const refusedInvite = (error: unknown): unknown =>
  error instanceof MatrixError && error.errcode === 'M_INCOMPATIBLE_ROOM_VERSION'
    ? new MatrixError('M_UNSUPPORTED_ROOM_VERSION', error.message, { cause: error })
    : error
