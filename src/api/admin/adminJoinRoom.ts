import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { roomNamed } from '../administered-rooms.ts'

export const adminJoinRoom = endpoint('adminJoinRoom', async ({ requester, path, query, body }, services) => {
  const { accounts, administration } = services
  const { user_id: userId } = body
  if (!accounts.isLocalUser(userId))
    throw new MatrixError('M_INVALID_PARAM', 'This is no user of this server')
  if ((await accounts.find(userId)) === undefined)
    throw new MatrixError('M_NOT_FOUND', 'The user was not found')
  const { roomId, servers } = await roomNamed(path.roomIdOrAlias, services)
  const via = query.server_name ?? servers
  await administration.authority.join(requester.userId, userId, roomId, via)
  return { room_id: roomId }
})
