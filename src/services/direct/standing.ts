import { otherOf, type Pair } from '../../core/direct-rooms.ts'
import type { JsonValue } from '../../core/json.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import type { RoomRow } from '../../storage/rooms/rooms.ts'
import type { StateSpan } from '../../storage/rooms/state-entry.ts'
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

/** What somebody was in a room, from when to when, by positions. */
export interface Stay extends StateSpan {
  readonly membership: JsonValue | undefined
}

/** All that somebody has been in a room, oldest first. */
export const stays = async ({ read }: RoomsContext, room: RoomRow, userId: string): Promise<Stay[]> => {
  const spans = await read.state.history(room.nid, 'm.room.member', userId)
  const events = await read.events.byNids(spans.map(({ nid }) => nid))
  const members = new Map(events.map(({ nid, event }) => [nid, event.content['membership']]))
  return spans.map(span => ({ ...span, membership: members.get(span.nid) }))
}

/**
 * The position after which somebody has heard nothing of what was said to them in a room: where they were asked to come, since they were
 * last in it. Whoever has declined, or is asked again, has heard no more than who has not answered.
 */
export const unheardSince = (of: readonly Stay[]): number => {
  const heard = of.map(({ membership, from, to }) => (membership === 'join' ? (to ?? from) : 0))
  const last = Math.max(0, ...heard)
  return of.find(({ membership, from }) => membership === 'invite' && from >= last)?.from ?? last
}
