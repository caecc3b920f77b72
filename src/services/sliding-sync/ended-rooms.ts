import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import { endedAs, endingText } from '../sync/invitations.ts'
import { removedRooms } from '../sync/removed-rooms.ts'
import type { Connection } from './connection.ts'
import type { EndedRoom } from './known-rooms.ts'

/** Rooms of which no stored event tells that they have ended for a user. */
export const endedRooms = async (
  read: RoomReaders,
  connection: Connection,
  userId: string,
): Promise<EndedRoom[]> => [
  ...(await endedInvitations(read, connection, userId)),
  ...(await roomsTakenAway(read, connection, userId)),
]

/** Invitations that a connection may have been told of, though nobody knows. */
const MAX_DOUBTFUL = 200

/** Of the invitations that a connection was told of those that are pending no more. */
const endedInvitations = async (
  { invitations }: RoomReaders,
  connection: Connection,
  userId: string,
): Promise<EndedRoom[]> => {
  const { rooms, known, doubtfulSince } = connection
  const pending = new Set(known.invitations.map(({ roomId }) => roomId))
  const ended: EndedRoom[] = []
  const add = (row: InvitationRow | undefined, after: EndedRoom['after']): void => {
    if (row === undefined || row.status === 'invited' || row.ending === undefined) return
    const { roomId, ending, strippedState, eventPosition: order } = row
    const text = endingText(ending, row)
    ended.push({ roomId, membership: endedAs(ending), text, strippedState, order, after })
  }
  if (doubtfulSince !== undefined) {
    const span = [doubtfulSince.invites ?? 0, Number.MAX_SAFE_INTEGER] as const
    for (const row of await invitations.changed(userId, ...span, MAX_DOUBTFUL)) {
      connection.doubtLeft(row.roomId)
      if (!rooms.has(row.roomId)) add(row, [undefined])
    }
  }
  for (const [roomId, { kind }] of rooms) {
    if (kind === 'invited' && !pending.has(roomId)) add(await invitations.one(userId, roomId), ['invited'])
  }
  return ended
}

/**
 * "Rooms the user has been kicked or banned from will always be included", since "the user may not have seen" it: so are
 * rooms that were removed while they were in them. Others are told where the connection has them.
 */
const roomsTakenAway = async (
  read: RoomReaders,
  { positions }: Connection,
  userId: string,
): Promise<EndedRoom[]> => {
  const span = { after: 0, upTo: Number.MAX_SAFE_INTEGER, since: positions.events ?? 0 }
  return (await removedRooms(read, userId, span)).map(
    ({ roomId, membership, event, wasIn, eventPosition: order }) => ({
      ...{ roomId, membership, text: JSON.stringify(event), strippedState: [], order },
      after: wasIn ? ['joined', 'invited', undefined] : ['joined', 'invited'],
    }),
  )
}
