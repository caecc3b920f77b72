import { levelTo, powerLevelOf } from '../../core/auth/power-levels.ts'
import { powerContext } from './redaction-effect.ts'
import type { RoomWriter } from './room-writer.ts'

/** Whether somebody is in a room and has the power to do this there, whoever it is done to. */
export const mayAsMember = async (
  writer: Pick<RoomWriter, 'context' | 'head'>,
  { userId, roomId }: { readonly userId: string; readonly roomId: string },
  action: 'invite' | 'kick',
): Promise<boolean> => {
  const head = await writer.head(roomId)
  if (head?.memberships.get(userId) !== 'join') return false
  const powers = { ...(await powerContext(writer.context.read, head)), version: head.version }
  return powerLevelOf(userId, powers) >= levelTo(action, powers)
}
