import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

export const getPublicRooms = endpoint(
  'getPublicRooms',
  async ({ requester, query }, { publicRooms, roomSettings }) => {
    const { limit, since, server } = query
    if (requester === undefined) publicRooms.checkStranger()
    if (requester === undefined && server !== undefined && server !== roomSettings.serverName) {
      throw new MatrixError('M_MISSING_TOKEN', 'Log in to see the rooms of another server')
    }
    return publicRooms.list({ limit, since }, server)
  },
)
