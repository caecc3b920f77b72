import { isRoomId, isServerName } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { type CallOptions, pathOf, type Requester } from './requester.ts'
import { parseRoomSummary, type RoomSummary } from './room-summary.ts'
import { asObject, objectOf, objectsOf, optionalStringOf, ShapeError, stringOf, stringsOf } from './shape.ts'

/** What to list of another server's public rooms. */
export interface PublicRoomsQuery {
  readonly limit?: number
  readonly since?: string
  readonly filter?: JsonObject
  readonly includeAllNetworks?: boolean
  readonly thirdPartyInstanceId?: string
}

export interface PublicRooms {
  readonly chunk: readonly RoomSummary[]
  readonly nextBatch: string | undefined
  readonly prevBatch: string | undefined
  readonly totalRoomCountEstimate: number | undefined
}

/** A room of a space, with the stripped `m.space.child` events where it is a space itself. */
export interface HierarchyRoom {
  readonly summary: RoomSummary
  readonly childrenState: readonly JsonObject[]
}

export interface Hierarchy {
  readonly room: HierarchyRoom
  readonly children: readonly HierarchyRoom[]
  /** Rooms that nobody would show us. */
  readonly inaccessibleChildren: readonly string[]
}

const MB = 1024 * 1024
const MAX_SERVERS = 1_000
const MAX_ROOMS = 10_000
const MAX_CHILDREN = 10_000
const MAX_PROFILE_BYTES = 128 * 1024

const parsePublicRooms = (response: JsonObject, limit: number | undefined): PublicRooms => {
  const total = response['total_room_count_estimate']
  return {
    chunk: objectsOf(response, 'chunk', limit ?? MAX_ROOMS)
      .map(parseRoomSummary)
      .filter(room => room !== undefined),
    nextBatch: optionalStringOf(response, 'next_batch'),
    prevBatch: optionalStringOf(response, 'prev_batch'),
    totalRoomCountEstimate: typeof total === 'number' && Number.isSafeInteger(total) ? total : undefined,
  }
}

const parseHierarchyRoom = (value: JsonObject): HierarchyRoom | undefined => {
  const summary = parseRoomSummary(value)
  if (summary === undefined) return undefined
  // Only `room` is required to have it; a missing one is as good as none.
  const hasChildren = Array.isArray(value['children_state'])
  return { summary, childrenState: hasChildren ? objectsOf(value, 'children_state', MAX_CHILDREN) : [] }
}

const parseHierarchy = (response: JsonObject, roomId: string): Hierarchy => {
  const room = parseHierarchyRoom(objectOf(response, 'room'))
  if (room?.summary.room_id !== roomId) throw new ShapeError('the hierarchy of another room')
  return {
    room,
    children: objectsOf(response, 'children', MAX_CHILDREN)
      .map(parseHierarchyRoom)
      .filter(child => child !== undefined),
    inaccessibleChildren: stringsOf(response, 'inaccessible_children', MAX_CHILDREN, isRoomId),
  }
}

/** `null` means that a member is not set; the two members that everybody shows must be texts. */
const parseProfile = (response: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(response).filter(
      ([name, value]) =>
        value !== null && (typeof value === 'string' || (name !== 'displayname' && name !== 'avatar_url')),
    ),
  )

/** Server-server API, "Querying for information", "Published Room Directory", "Spaces", "Server implementation". */
export const directoryEndpoints = ({ request }: Requester) => ({
  /** The room of an alias, and servers that are likely to be in it. */
  queryDirectory: (
    destination: string,
    roomAlias: string,
    options: CallOptions = {},
  ): Promise<{ roomId: string; servers: string[] }> =>
    request({
      timeoutMs: 20_000,
      ...options,
      destination,
      method: 'GET',
      path: '/_matrix/federation/v1/query/directory',
      query: { room_alias: roomAlias },
      parse: body => {
        const roomId = stringOf(asObject(body), 'room_id')
        if (!isRoomId(roomId)) throw new ShapeError('room_id is no room ID')
        return { roomId, servers: stringsOf(asObject(body), 'servers', MAX_SERVERS, isServerName) }
      },
    }),

  /** A user's profile, or one field of it. */
  queryProfile: (
    destination: string,
    { userId, field }: { userId: string; field?: string | undefined },
    options: CallOptions = {},
  ): Promise<JsonObject> =>
    request({
      timeoutMs: 20_000,
      ...options,
      destination,
      method: 'GET',
      path: '/_matrix/federation/v1/query/profile',
      query: { user_id: userId, field },
      maxBytes: MAX_PROFILE_BYTES,
      parse: body => parseProfile(asObject(body)),
    }),

  /** The server's room directory. A filter can only be sent with POST, which GET is older than. */
  publicRooms: (
    destination: string,
    query: PublicRoomsQuery = {},
    options: CallOptions = {},
  ): Promise<PublicRooms> => {
    const members = {
      limit: query.limit,
      since: query.since,
      include_all_networks: query.includeAllNetworks,
      third_party_instance_id: query.thirdPartyInstanceId,
    }
    return request({
      ...options,
      destination,
      path: '/_matrix/federation/v1/publicRooms',
      ...(query.filter === undefined
        ? { method: 'GET', query: members }
        : { method: 'POST', body: { ...members, filter: query.filter } }),
      maxBytes: 16 * MB,
      parse: body => parsePublicRooms(asObject(body), query.limit),
    })
  },

  /** A space and its rooms, as far as our server may see them. */
  hierarchy: (
    destination: string,
    { roomId, suggestedOnly }: { roomId: string; suggestedOnly: boolean },
    options: CallOptions = {},
  ): Promise<Hierarchy> =>
    request({
      ...options,
      destination,
      method: 'GET',
      path: pathOf`/_matrix/federation/v1/hierarchy/${roomId}`,
      query: { suggested_only: suggestedOnly },
      maxBytes: 16 * MB,
      parse: body => parseHierarchy(asObject(body), roomId),
    }),

  /** Name and version of the server's software, as far as it tells, and whether it knows our extensions. */
  getVersion: (
    destination: string,
    options: CallOptions = {},
  ): Promise<{ name: string | undefined; version: string | undefined; isOurs: boolean }> =>
    request({
      timeoutMs: 15_000,
      ...options,
      destination,
      method: 'GET',
      path: '/_matrix/federation/v1/version',
      signed: false,
      maxBytes: 64 * 1024,
      parse: body => {
        const server = objectOf(asObject(body), 'server')
        const extensions = asObject(body)['chat.tessera']
        return {
          name: optionalStringOf(server, 'name'),
          version: optionalStringOf(server, 'version'),
          isOurs: isJsonObject(extensions) && extensions['enabled'] === true,
        }
      },
    }),
})
