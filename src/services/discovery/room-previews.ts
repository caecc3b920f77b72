import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { RoomSummary } from '../../core/room-summary.ts'
import { isServerAllowed, parseServerAcl } from '../../core/server-acl.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import { contentShown } from '../rooms/room-summary.ts'

/** What decides whether a room may be shown to somebody who is not in it. */
export type Showable = Pick<RoomSummary, 'world_readable'> & {
  readonly join_rule?: string
  readonly allowed_room_ids?: readonly string[]
}

/** Who wants to see what a room is: how they stand to rooms that this server knows. */
export interface Asker {
  membershipIn(roomId: string): Promise<Membership | undefined>
}

/** A user of this server. */
export const userAsking = (read: RoomReaders, userId: string): Asker => ({
  membershipIn: async roomId => {
    const room = await read.rooms.byId(roomId)
    if (room === undefined) return (await pendingInvitation(read, userId, roomId)) ? 'invite' : undefined
    const row = await read.memberships.one(userId, room.nid)
    // Where everybody here has left, an invitation comes from outside and is not in the room's state as known here.
    if (row?.membership !== 'join' && (await pendingInvitation(read, userId, roomId))) return 'invite'
    return row?.membership
  },
})

const pendingInvitation = async (read: RoomReaders, userId: string, roomId: string): Promise<boolean> => {
  const invitation = await read.invitations.one(userId, roomId)
  return invitation?.kind === 'invite' && invitation.status === 'invited'
}

/** Another server: it stands to a room as the best placed of its users does. */
const serverAsking = (read: RoomReaders, serverName: string): Asker => ({
  membershipIn: async roomId => {
    const room = await read.rooms.byId(roomId)
    if (room === undefined) return undefined
    for (const membership of ['join', 'invite'] as const)
      if (await read.memberships.hasMember(room.nid, membership, serverName)) return membership
    return undefined
  },
})

/**
 * Whether another server may be shown what a room is: one that its access control list shuts out is "unable to peek/join it",
 * whatever else holds, and so are all where the room is closed to other servers (`m.federate`).
 */
export const mayServerPreview = async (
  read: RoomReaders,
  serverName: string,
  { roomId, summary }: { readonly roomId: string; readonly summary: Showable },
): Promise<boolean> =>
  (await mayPreview(serverAsking(read, serverName), roomId, summary)) &&
  (await isAdmitted(read, roomId, serverName))

const isAdmitted = async (read: RoomReaders, roomId: string, serverName: string): Promise<boolean> => {
  const room = await read.rooms.byId(roomId)
  const content = async (type: string): Promise<JsonObject | undefined> => {
    const nid = room && (await read.state.point(room.nid, type, ''))
    const [stored] = nid === undefined ? [] : await read.events.byNids([nid])
    return stored && contentShown(stored)
  }
  const [create, acl] = await Promise.all([content('m.room.create'), content('m.room.server_acl')])
  return create?.['m.federate'] !== false && isServerAllowed(acl && parseServerAcl(acl), serverName)
}

/** An administrator, who sees every room as its members do. */
export const administrator: Asker = { membershipIn: async () => 'join' }

/** Somebody who has not said who they are. */
export const anybody: Asker = { membershipIn: async () => undefined }

/**
 * Whether somebody may be shown what a room is (client-server API, `GET …/hierarchy`): members and invited people,
 * whoever may join or knock, and everybody if the room is world-readable.
 */
export const mayPreview = async (asker: Asker, roomId: string, room: Showable): Promise<boolean> => {
  if (room.world_readable || SHOWN_TO_ANYBODY.has(room.join_rule ?? 'public')) return true
  const membership = await asker.membershipIn(roomId)
  if (membership === 'join' || membership === 'invite') return true
  for (const allowed of (room.allowed_room_ids ?? []).slice(0, MAX_ALLOWED_ROOMS))
    if ((await asker.membershipIn(allowed)) === 'join') return true
  return false
}

/**
 * Whether a room is among those of a space for somebody: as `mayPreview`, but whoever is banned has no "permission to join", and
 * sees it if it is world-readable alone.
 */
export const mayFind = async (asker: Asker, roomId: string, room: Showable): Promise<boolean> =>
  room.world_readable || ((await asker.membershipIn(roomId)) !== 'ban' && mayPreview(asker, roomId, room))

const SHOWN_TO_ANYBODY: ReadonlySet<string> = new Set(['public', 'knock', 'knock_restricted'])
const MAX_ALLOWED_ROOMS = 100

/** The answer where there is no such room, or none to be shown: nobody can find out which. */
export const roomNotFound = (): MatrixError =>
  new MatrixError('M_NOT_FOUND', 'There is no such room, or you may not see what it is')
