import { serverNameOf } from '../../core/ids.ts'
import { isJsonObject, type JsonValue } from '../../core/json.ts'
import { factsOf, RECORD_KEY, readFacts } from '../../core/room-record.ts'
import { type ContentOf, type RoomSummary, summarise } from '../../core/room-summary.ts'
import { roomVersion } from '../../core/room-versions.ts'
import type { Operations } from '../../spec/types.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import type { SummaryRow } from '../../storage/rooms/summaries.ts'
import type { Directory } from '../rooms/directory.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { shownSummaries } from '../rooms/shown-summary.ts'
import type { RemoteDiscovery } from './ports.ts'
import { anybody, mayPreview, roomNotFound, userAsking } from './room-previews.ts'

/** A room as `chat.tessera` tells of it. */
export type RoomRecord = Operations['getRoomRecord']['response']

/** What a room is shown by, wherever that is known from. */
interface Found {
  readonly roomId: string
  readonly joinedMembers: number
  readonly summary: Partial<RoomSummary> & Pick<RoomSummary, 'world_readable' | 'guest_can_join'>
}

/** Tells people what a room is before they are in it: by this server's state, or by asking servers that are in it. */
export class RoomSummaries {
  readonly #context: RoomsContext
  readonly #directory: Directory
  readonly #remote: RemoteDiscovery

  constructor(parts: { context: RoomsContext; directory: Directory; remote: RemoteDiscovery }) {
    this.#context = parts.context
    this.#directory = parts.directory
    this.#remote = parts.remote
  }

  /**
   * `GET …/room_summary`. Without a user only what anybody may see, and nothing that takes asking another server.
   * Throws `M_NOT_FOUND`, `M_INVALID_PARAM`.
   */
  async summary(
    userId: string | undefined,
    roomIdOrAlias: string,
    via: readonly string[],
  ): Promise<Operations['getRoomSummary']['response']> {
    const { roomId, joinedMembers, summary } = await this.#find(userId, roomIdOrAlias, via)
    // "Absent if the API was called unauthenticated": whoever has never been there is as one who has left, as in `unsigned`.
    const membership =
      userId === undefined ? undefined : ((await this.#membership(userId, roomId)) ?? 'leave')
    return {
      room_id: roomId,
      num_joined_members: joinedMembers,
      ...summary,
      ...(membership === undefined ? {} : { membership }),
    }
  }

  /**
   * The record of a room (`chat.tessera`): everything that it is shown by, in one piece, to whoever may preview it.
   * Of a room that only other servers know, what these do not tell is absent. Throws `M_NOT_FOUND`, `M_INVALID_PARAM`.
   */
  async record(userId: string, roomIdOrAlias: string, via: readonly string[]): Promise<RoomRecord> {
    const found = await this.#find(userId, roomIdOrAlias, via)
    return recordFrom(found, await this.#membership(userId, found.roomId))
  }

  /**
   * The same as far as it is known without asking anybody, for one of the two sides of an invitation: as the room is now, if they may see
   * that, else as it was when the invitation told of it.
   *
   * @param userId the invited user
   */
  async ofInvitation(
    viewer: string,
    { userId, roomId }: { readonly userId: string; readonly roomId: string },
  ): Promise<RoomRecord> {
    const { read } = this.#context
    const row = await this.#rowHere(roomId)
    if (row !== undefined && (await mayPreview(userAsking(read, viewer), roomId, row.summary)))
      return recordFrom({ roomId, joinedMembers: row.joinedMembers, summary: row.summary })
    const invitation = await read.invitations.one(userId, roomId)
    return recordFrom(
      invitation === undefined
        ? { roomId, joinedMembers: 0, summary: { world_readable: false, guest_can_join: false } }
        : ofInvitation(invitation),
    )
  }

  async #find(userId: string | undefined, roomIdOrAlias: string, via: readonly string[]): Promise<Found> {
    const { read, serverName } = this.#context
    const { roomId, servers } = await this.#directory.roomOf(roomIdOrAlias)
    const asker = userId === undefined ? anybody : userAsking(read, userId)
    const row = await this.#rowHere(roomId)
    if (row !== undefined) {
      if (!(await mayPreview(asker, roomId, row.summary))) throw roomNotFound()
      return { roomId, joinedMembers: row.joinedMembers, summary: row.summary }
    }
    if (userId === undefined) throw roomNotFound()
    const invitation = await read.invitations.one(userId, roomId)
    const pending = invitation?.status === 'invited' ? invitation : undefined
    const places = [
      ...via,
      ...servers,
      ...(pending ? [serverNameOf(pending.sender)] : []),
      serverNameOf(roomId),
    ]
    const others = [...new Set(places)].filter(server => server !== '' && server !== serverName)
    const remote = await this.#remote.hierarchy(others, { roomId, suggestedOnly: false })
    if (remote !== undefined && (await mayPreview(asker, roomId, remote.room.summary))) {
      const { room_id: _, num_joined_members: joinedMembers, ...summary } = remote.room.summary
      return { roomId, joinedMembers, summary }
    }
    if (pending !== undefined) return ofInvitation(pending)
    throw roomNotFound()
  }

  /** What a room is shown by that somebody here is in: of others it is old, if anything is known. */
  async #rowHere(roomId: string): Promise<SummaryRow | undefined> {
    const { read, serverName } = this.#context
    const room = await read.rooms.byId(roomId)
    if (room === undefined || !(await read.memberships.hasMember(room.nid, 'join', serverName)))
      return undefined
    const row = await read.summaries.ofRoom(room.nid)
    return row && (await shownSummaries(read, [row]))[0]
  }

  async #membership(userId: string, roomId: string): Promise<Membership | undefined> {
    const { read } = this.#context
    const room = await read.rooms.byId(roomId)
    const row = room && (await read.memberships.one(userId, room.nid))
    if (row?.membership === 'join') return 'join'
    const invitation = await read.invitations.one(userId, roomId)
    return invitation?.status === 'invited' ? invitation.kind : row?.membership
  }
}

const recordFrom = ({ roomId, joinedMembers, summary }: Found, membership?: Membership): RoomRecord => {
  const extras = isJsonObject(summary[RECORD_KEY]) ? summary[RECORD_KEY] : {}
  const known: Record<string, JsonValue | undefined> = {
    ...extras,
    alias: summary.canonical_alias,
    avatar_url: summary.avatar_url,
    room_type: summary.room_type,
    room_version: summary.room_version,
    join_rule: summary.join_rule,
    membership,
  }
  return {
    room_id: roomId,
    name: summary.name ?? '',
    topic: summary.topic ?? '',
    encryption: summary.encryption ?? 'cleartext',
    world_readable: summary.world_readable,
    guest_can_join: summary.guest_can_join,
    joined_members: joinedMembers,
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
  }
}

/** What an invitation tells of its room: "might yield outdated, partial or even no data". */
const ofInvitation = ({ roomId, strippedState, roomVersion: id, event }: InvitationRow): Found => {
  const content: ContentOf = type => {
    const found = strippedState.find(state => state['type'] === type && state['state_key'] === '')
    return isJsonObject(found?.['content']) ? found['content'] : undefined
  }
  const version = roomVersion(id)
  if (version === undefined) throw roomNotFound()
  const create = strippedState.find(state => state['type'] === 'm.room.create')
  const joined = strippedState.filter(
    ({ type, content: of }) => type === 'm.room.member' && isJsonObject(of) && of['membership'] === 'join',
  )
  // What its state does not say is as the inviter's server had it at the time.
  const told = readFacts(isJsonObject(event['unsigned']) ? event['unsigned'][RECORD_KEY] : undefined)
  const { created_ts: _, ...facts } = factsOf(content, {
    creator: typeof create?.['sender'] === 'string' ? create['sender'] : String(event['sender']),
    createdTs: 0,
  })
  return {
    roomId,
    joinedMembers: told.joined_members ?? joined.length,
    summary: { ...summarise(content, version), [RECORD_KEY]: { ...told, ...facts } },
  }
}
