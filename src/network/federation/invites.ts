import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { FederationError } from './federation-error.ts'
import type { FinishedEvent } from './membership.ts'
import { type CallOptions, pathOf, type Requester } from './requester.ts'
import { asObject, objectOf, ShapeError } from './shape.ts'

/** An invite as it is sent to the invited user's server. */
export interface Invite extends FinishedEvent {
  readonly roomVersion: string
  /** Events that describe the room. */
  readonly inviteRoomState: readonly JsonObject[]
}

/** Version 1 has no room version in it, and may be used for these only. */
const V1_ROOM_VERSIONS: readonly string[] = ['1', '2']

const shouldFallBack = (error: unknown, roomVersion: string): boolean =>
  error instanceof FederationError &&
  error.kind === 'response' &&
  (error.status === 400 || error.status === 404) &&
  V1_ROOM_VERSIONS.includes(roomVersion)

/** Server-server API, "Inviting to a room". */
export const inviteEndpoints = ({ request }: Requester) => {
  const common = (destination: string, options: CallOptions) =>
    ({ timeoutMs: 60_000, ...options, destination, method: 'PUT' }) as const

  const inviteV1 = (destination: string, invite: Invite, options: CallOptions): Promise<JsonObject> => {
    const { roomId, eventId, event, inviteRoomState } = invite
    const unsigned = isJsonObject(event['unsigned']) ? event['unsigned'] : {}
    return request({
      ...common(destination, options),
      path: pathOf`/_matrix/federation/v1/invite/${roomId}/${eventId}`,
      body: { ...event, unsigned: { ...unsigned, invite_room_state: inviteRoomState } },
      parse: body => {
        if (!Array.isArray(body) || body[0] !== 200) throw new ShapeError('the response is not [200, …]')
        return objectOf(asObject(body[1]), 'event')
      },
    })
  }

  return {
    /** Asks the server of who has invited an address for the invitation of the user to whom it is bound. */
    exchangeThirdPartyInvite: (
      destination: string,
      roomId: string,
      invite: JsonObject,
      options: CallOptions = {},
    ): Promise<void> =>
      request({
        ...common(destination, options),
        path: pathOf`/_matrix/federation/v1/exchange_third_party_invite/${roomId}`,
        body: invite,
        parse: () => undefined,
      }),

    /**
     * Sends an invite to the invited user's server; answers the event with that server's signature, which is still
     * to be verified. "Senders which receive a 400 or 404 … should retry using the v1 API … if the room version is
     * 1 or 2".
     */
    invite: async (destination: string, invite: Invite, options: CallOptions = {}): Promise<JsonObject> => {
      const { roomId, eventId, event, roomVersion, inviteRoomState } = invite
      try {
        return await request({
          ...common(destination, options),
          path: pathOf`/_matrix/federation/v2/invite/${roomId}/${eventId}`,
          body: { room_version: roomVersion, event, invite_room_state: inviteRoomState },
          parse: body => objectOf(asObject(body), 'event'),
        })
      } catch (error) {
        if (shouldFallBack(error, roomVersion)) return inviteV1(destination, invite, options)
        throw error
      }
    },
  }
}
