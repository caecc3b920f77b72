import { otherOf } from '../../core/direct-rooms.ts'
import type { DirectRoomRow } from '../../storage/direct/direct-rooms.ts'
import type { RoomCore } from '../rooms/index.ts'
import { standingOf, stays, wasSentAway } from './standing.ts'

/** Whether a user has made the room of a pair, and the other has not come. */
export const isWaiting = async (
  { context }: Pick<RoomCore, 'context'>,
  { pair, roomId, maker }: DirectRoomRow,
  userId: string,
): Promise<boolean> => {
  if (maker !== userId) return false
  const standing = await standingOf(context, roomId, pair, userId)
  return standing?.own === 'join' && standing.other !== 'join'
}

/** Whether a user who has asked the other to come has not sent them away since, and hears them. */
export const stillAsks = async (
  { context, views }: Pick<RoomCore, 'context' | 'views'>,
  { pair, roomId }: DirectRoomRow,
  userId: string,
): Promise<boolean> => {
  const otherId = otherOf(pair, userId)
  const standing = await standingOf(context, roomId, pair, userId)
  if (standing === undefined || standing.other === 'ban') return false
  if (await wasSentAway(context, standing.room, otherId)) return false
  return isWelcome(views, userId, otherId)
}

/** Whether a user lets another invite them, and hears them. */
export const isWelcome = async (
  { ignoredUsers, invitePolicies }: Pick<RoomCore['views'], 'ignoredUsers' | 'invitePolicies'>,
  userId: string,
  otherId: string,
): Promise<boolean> => {
  const [ignored, policy] = await Promise.all([ignoredUsers.of(userId), invitePolicies.of(userId)])
  return !ignored.has(otherId) && policy(otherId) === 'allow'
}

/** Whether somebody has never been in the room of a pair: nobody misses it then. */
export const wasNeverIn = async (
  { context }: Pick<RoomCore, 'context'>,
  { roomId }: DirectRoomRow,
  userId: string,
): Promise<boolean> => {
  const room = await context.read.rooms.byId(roomId)
  if (room === undefined) return true
  return (await stays(context, room, userId)).every(({ membership }) => membership !== 'join')
}
