import { isServerName } from '../../core/ids.ts'
import type { JsonObject, JsonValue } from '../../core/json.ts'
import { objectsIn, type ReadLists, readLists, stringsIn } from './json-lists.ts'
import { type CallOptions, pathOf, type Requester } from './requester.ts'
import { asObject, objectOf, objectsOf, optionalObjectOf, optionalStringOf, ShapeError } from './shape.ts'

/** Whom a membership event is to be about, and where. */
export interface MembershipSubject {
  readonly roomId: string
  readonly userId: string
}

/** A membership event that the resident server has prepared. */
export interface EventTemplate {
  /** `undefined` where the server does not say: it means 1 or 2, whose events have the same form. */
  readonly roomVersion: string | undefined
  readonly event: JsonObject
}

/** A finished membership event, and its place in the path. */
export interface FinishedEvent {
  readonly roomId: string
  readonly eventId: string
  readonly event: JsonObject
}

/** What a resident server answers to a join. None of the events has been checked. */
export interface JoinResponse {
  /** The join, where the resident server has signed it too. */
  readonly event: JsonObject | undefined
  readonly state: readonly JsonObject[]
  readonly authChain: readonly JsonObject[]
  readonly membersOmitted: boolean
  /** `undefined` where the server does not say; always there where members are omitted. */
  readonly serversInRoom: readonly string[] | undefined
}

const MB = 1024 * 1024
const MAX_SERVERS = 100_000
const MAX_STRIPPED_STATE = 100
const SERVERS = 'servers_in_room'

/**
 * Reads a template, and checks what the specification makes us check before signing it: a server must not get our
 * signature for something else.
 */
const parseTemplate =
  ({ roomId, userId }: MembershipSubject, membership: string) =>
  (body: JsonValue): EventTemplate => {
    const response = asObject(body)
    const event = objectOf(response, 'event')
    const content = objectOf(event, 'content')
    const expected: readonly (readonly [JsonValue | undefined, string, string])[] = [
      [event['room_id'], roomId, 'room_id'],
      [event['sender'], userId, 'sender'],
      [event['state_key'], userId, 'state_key'],
      [event['type'], 'm.room.member', 'type'],
      [content['membership'], membership, 'membership'],
    ]
    for (const [actual, wanted, name] of expected) {
      if (actual !== wanted) throw new ShapeError(`the template has another ${name} than was asked for`)
    }
    return { roomVersion: optionalStringOf(response, 'room_version'), event }
  }

const joinResponseOf = (read: ReadLists): JoinResponse => {
  const response = asObject(read.rest)
  const membersOmitted = response['members_omitted'] === true
  const known = membersOmitted || Array.isArray(response[SERVERS])
  return {
    event: optionalObjectOf(response, 'event'),
    state: objectsIn(read, 'state'),
    authChain: objectsIn(read, 'auth_chain'),
    membersOmitted,
    serversInRoom: known ? stringsIn(read, SERVERS, isServerName, MAX_SERVERS) : undefined,
  }
}

/** Server-server API, "Joining Rooms", "Knocking upon a room", "Leaving Rooms". */
export const membershipEndpoints = ({ request, receive }: Requester) => {
  const make = (
    kind: 'join' | 'knock' | 'leave',
    destination: string,
    subject: MembershipSubject,
    versions: readonly string[] | undefined,
    options: CallOptions,
  ): Promise<EventTemplate> =>
    request({
      ...options,
      destination,
      method: 'GET',
      path: `/_matrix/federation/v1/make_${kind}${pathOf`/${subject.roomId}/${subject.userId}`}`,
      query: { ver: versions },
      parse: parseTemplate(subject, kind),
    })

  return {
    /** Asks for a join event. `versions` are the room versions that we support. */
    makeJoin: (
      destination: string,
      subject: MembershipSubject & { readonly versions: readonly string[] },
      options: CallOptions = {},
    ) => make('join', destination, subject, subject.versions, options),

    /** Hands in the join. With `omitMembers` the response may leave out most membership events. */
    sendJoin: (
      destination: string,
      { roomId, eventId, event, omitMembers }: FinishedEvent & { readonly omitMembers: boolean },
      options: CallOptions = {},
    ): Promise<JoinResponse> => {
      const asked = {
        timeoutMs: 5 * 60_000,
        ...options,
        destination,
        method: 'PUT',
        path: pathOf`/_matrix/federation/v2/send_join/${roomId}/${eventId}`,
        query: { omit_members: omitMembers },
        body: event,
        maxBytes: 256 * MB,
      } as const
      return receive(asked, async ({ body }) =>
        joinResponseOf(await readLists(body, ['state', 'auth_chain', SERVERS])),
      )
    },

    makeKnock: (
      destination: string,
      subject: MembershipSubject & { readonly versions: readonly string[] },
      options: CallOptions = {},
    ) => make('knock', destination, subject, subject.versions, options),

    /** Hands in the knock; answers the events that describe the room. */
    sendKnock: (
      destination: string,
      { roomId, eventId, event }: FinishedEvent,
      options: CallOptions = {},
    ): Promise<JsonObject[]> =>
      request({
        timeoutMs: 60_000,
        ...options,
        destination,
        method: 'PUT',
        path: pathOf`/_matrix/federation/v1/send_knock/${roomId}/${eventId}`,
        body: event,
        maxBytes: 8 * MB,
        parse: body => objectsOf(asObject(body), 'knock_room_state', MAX_STRIPPED_STATE),
      }),

    makeLeave: (destination: string, subject: MembershipSubject, options: CallOptions = {}) =>
      make('leave', destination, subject, undefined, options),

    sendLeave: (
      destination: string,
      { roomId, eventId, event }: FinishedEvent,
      options: CallOptions = {},
    ): Promise<void> =>
      request({
        timeoutMs: 60_000,
        ...options,
        destination,
        method: 'PUT',
        path: pathOf`/_matrix/federation/v2/send_leave/${roomId}/${eventId}`,
        body: event,
        parse: () => undefined,
      }),
  }
}
