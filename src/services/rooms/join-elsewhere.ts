import { MatrixError } from '../../core/errors.ts'
import { isRoomId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { OwnChange } from './membership-content.ts'
import type { RemoteMemberships } from './ports.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './rooms-context.ts'
import { serversToAsk } from './servers-to-ask.ts'

/**
 * Joins a room through other servers.
 *
 * @param content of the member event beside `membership`
 * @throws {MatrixError} `M_INVALID_PARAM`: no room ID; `M_NOT_FOUND`: no server could be asked; and as those refuse
 */
export const joinElsewhere = async (
  { context, remote }: { context: RoomsContext; remote: Pick<RemoteMemberships, 'join'> },
  change: OwnChange,
  { content, head }: { readonly content: JsonObject; readonly head: RoomHead | undefined },
): Promise<void> => {
  const { userId, roomId } = change
  if (!isRoomId(roomId)) throw new MatrixError('M_INVALID_PARAM', `${roomId} is not a room ID`)
  const via = await serversToAsk(context, change, head)
  if (via.length === 0) throw new MatrixError('M_NOT_FOUND', 'No server is known that is in this room')
  await remote.join({ userId, roomId, via, content })
}
