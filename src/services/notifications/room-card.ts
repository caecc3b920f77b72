import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import { accessOf } from '../rooms/room-access.ts'
import { contentShown } from '../rooms/room-summary.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'

/** A room as its notifications show it to a user. */
export interface RoomCard {
  /** Of a room that is known here. */
  readonly nid: number | undefined
  /** `room_id`, `name`, `avatar_url`. */
  readonly shown: JsonObject
  /** What there is to know to the user of somebody in it: contents of member events, the best first. */
  memberContents(of: string): Promise<(JsonObject | undefined)[]>
}

/** What is known of a room to a user: by its state up to a position (`undefined`: the present), or by an invitation. */
type Source = { readonly upTo: number | undefined } | 'invitation'

/**
 * Reads a room as it is now for who is in it or invited, as it was when they left it, or when they were invited, for others. Whoever
 * knocks is told no more than before.
 */
export const roomCard = async (
  context: Pick<RoomsContext, 'read' | 'serverName'>,
  userId: string,
  roomId: string,
): Promise<RoomCard> => {
  const { read } = context
  const nid = (await read.rooms.byId(roomId))?.nid
  const invitation = await read.invitations.one(userId, roomId)
  const source = await sourceOf(context, { userId, roomId, nid, invitation })
  const contentOf = async (type: string, stateKey = ''): Promise<JsonObject | undefined> => {
    if (source === 'invitation') return toldBy(invitation, type, stateKey)
    return nid === undefined ? undefined : stateContent(read, [nid, type, stateKey, source.upTo])
  }
  const [name, avatar] = await Promise.all([contentOf('m.room.name'), contentOf('m.room.avatar')])
  const avatarUrl = avatar?.['url']
  const shown = {
    room_id: roomId,
    name: typeof name?.['name'] === 'string' ? name['name'] : '',
    ...(typeof avatarUrl === 'string' && avatarUrl.startsWith('mxc://') ? { avatar_url: avatarUrl } : {}),
  }
  const memberContents: RoomCard['memberContents'] = async of => [
    await contentOf('m.room.member', of),
    // Who has left is still called what the invitation says.
    toldBy(invitation, 'm.room.member', of),
  ]
  return { nid, shown, memberContents }
}

const sourceOf = async (
  { read, serverName }: Pick<RoomsContext, 'read' | 'serverName'>,
  of: { userId: string; roomId: string; nid: number | undefined; invitation: InvitationRow | undefined },
): Promise<Source> => {
  const { userId, roomId, nid, invitation } = of
  if (nid === undefined) return 'invitation'
  if (invitation?.status === 'invited' && invitation.kind === 'invite') {
    // What is known of a room that nobody here is in any more is old.
    const isHere = await read.memberships.hasMember(nid, 'join', serverName)
    return isHere ? { upTo: undefined } : 'invitation'
  }
  return accessOf(read, userId, roomId).catch(() => 'invitation' as const)
}

const stateContent = async (
  read: RoomReaders,
  point: Parameters<RoomReaders['state']['point']>,
): Promise<JsonObject | undefined> => {
  const nid = await read.state.point(...point)
  const [stored] = nid === undefined ? [] : await read.events.byNids([nid])
  return stored && contentShown(stored)
}

const toldBy = (
  invitation: InvitationRow | undefined,
  type: string,
  stateKey: string,
): JsonObject | undefined => {
  const found = invitation?.strippedState.find(
    event => event['type'] === type && event['state_key'] === stateKey,
  )
  return isJsonObject(found?.['content']) ? found['content'] : undefined
}
