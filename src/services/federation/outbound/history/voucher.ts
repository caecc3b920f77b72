import { levelTable, levelTo, powerLevelOf, roomCreators } from '../../../../core/auth/power-levels.ts'
import { serverNameOf } from '../../../../core/ids.ts'
import { powerContext } from '../../../rooms/redaction-effect.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import type { RoomsContext } from '../../../rooms/room-writer.ts'

/**
 * The server that is believed what it says of the keys of servers that are gone, for a room's history: that of somebody who has
 * the most to say in the room, and so could take anything away from it that was ever said there. `undefined` where that is nobody who is
 * there from another server, and may ban others: whoever has less to say than others could make up that these gave them more, since
 * what is found out of a room's past has its say in what the room is now.
 *
 * @param asked of several such servers this one, which has answered: the room's creator is often on one that is gone
 */
export const voucherOf = async (
  { read, serverName }: Pick<RoomsContext, 'read' | 'serverName'>,
  head: RoomHead,
  asked?: string,
): Promise<string | undefined> => {
  const powers = { ...(await powerContext(read, head)), version: head.version }
  const named = [
    ...roomCreators(powers.create, head.version),
    ...Object.keys(levelTable(powers.powerLevels?.content, 'users')),
  ]
  const levels = named.map(userId => ({ userId, level: powerLevelOf(userId, powers) }))
  const ofOthers = powerLevelOf('', powers)
  const most = Math.max(levelTo('ban', powers), ofOthers, ...levels.map(({ level }) => level))
  const vouchers = levels
    .filter(({ userId, level }) => level >= most && head.memberships.get(userId) === 'join')
    .map(({ userId }) => serverNameOf(userId))
    .filter(server => server !== serverName)
  return vouchers.find(server => server === asked) ?? vouchers[0]
}
