import { roomVersion } from '../../core/room-versions.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { NO_EVENT } from '../../storage/rooms/membership-writer.ts'
import { PartialJoin } from './partial-join.ts'
import { RoomHead } from './room-head.ts'

/** Loads the head of a room from the database; `undefined` if the room is not known. */
export const loadHead = async (
  readers: RoomReaders,
  roomId: string,
  serverName: string,
): Promise<RoomHead | undefined> => {
  const room = await readers.rooms.byId(roomId)
  if (room === undefined) return undefined
  const version = roomVersion(room.version)
  if (version === undefined) throw new Error(`room ${roomId} has unknown version ${room.version}`)
  readers.events.roomIs(roomId, room.nid)
  const [extremities, state, members, partial, wasPartial] = await Promise.all([
    readers.rooms.extremities(room.nid),
    readers.state.current(room.nid),
    readers.memberships.inRoom(room.nid, ['join', 'invite', 'knock', 'leave', 'ban']),
    readers.partial.open(room.nid),
    readers.partial.wasEver(room.nid),
  ])
  const unfinished = wasPartial ? await readers.partial.unfinished(room.nid) : []
  const told = members.filter(({ eventNid }) => eventNid !== NO_EVENT)
  const memberships = new Map(told.map(row => [row.userId, row.membership]))
  return new RoomHead(room, version, extremities, state, memberships, {
    partial: partial && PartialJoin.of(partial, serverName),
    wasPartial,
    unfinished,
  })
}
