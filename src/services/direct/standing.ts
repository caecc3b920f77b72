import { otherOf, type Pair } from '../../core/direct-rooms.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import type { RoomRow } from '../../storage/rooms/rooms.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'

/** How the two of a pair stand to a room that this server knows. */
export interface Standing {
  readonly room: RoomRow
  /** Whether anybody of this server is joined; if not, what it knows of the room may be old. */
  readonly isHere: boolean
  readonly own: Membership | undefined
  readonly other: Membership | undefined
}

/**
 * How a user and the other one of their pair stand to a room; `undefined` if it is not known here. It is the database
 * that is asked: another process may have written since this one has looked at the room.
 */
export const standingOf = async (
  { read, serverName }: RoomsContext,
  roomId: string,
  pair: Pair,
  userId: string,
): Promise<Standing | undefined> => {
  const room = await read.rooms.byId(roomId)
  if (room === undefined) return undefined
  const [isHere, own, other] = await Promise.all([
    read.memberships.hasMember(room.nid, 'join', serverName),
    read.memberships.one(userId, room.nid),
    read.memberships.one(otherOf(pair, userId), room.nid),
  ])
  return { room, isHere, own: own?.membership, other: other?.membership }
}

/** Whether somebody who is out of a room has not left it by themselves. */
export const wasSentAway = async (
  { read }: RoomsContext,
  { nid }: RoomRow,
  userId: string,
): Promise<boolean> => {
  const row = await read.memberships.one(userId, nid)
  const [member] = row?.membership === 'leave' ? await read.events.byNids([row.eventNid]) : []
  return member !== undefined && member.event.sender !== userId
}
