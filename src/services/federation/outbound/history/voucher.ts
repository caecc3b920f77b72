import { levelTable, levelTo, powerLevelOf, roomCreators } from '../../../../core/auth/power-levels.ts'
import { serverNameOf } from '../../../../core/ids.ts'
import { powerContext } from '../../../rooms/redaction-effect.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import type { RoomsContext } from '../../../rooms/room-writer.ts'

/**
 * The server that is believed what it says of the keys of servers that are gone, for a room's history: that of somebody who has
 * the most to say in the room, and so could take anything away from it that was ever said there. `undefined` where nobody on another
 * server has as much to say as may ban others.
 */
export const voucherOf = async (
  { read, serverName }: Pick<RoomsContext, 'read' | 'serverName'>,
  head: RoomHead,
): Promise<string | undefined> => {
  const powers = { ...(await powerContext(read, head)), version: head.version }
  const named = [
    ...roomCreators(powers.create, head.version),
    ...Object.keys(levelTable(powers.powerLevels?.content, 'users')),
  ]
  let least = levelTo('ban', powers)
  let voucher: string | undefined
  for (const userId of named) {
    const server = serverNameOf(userId)
    if (server === serverName || head.memberships.get(userId) !== 'join') continue
    const level = powerLevelOf(userId, powers)
    if (level < least || (voucher !== undefined && level === least)) continue
    least = level
    voucher = server
  }
  return voucher
}
