import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import { endpoint } from '../../http/endpoint.ts'

/** Only our own aliases: nobody is to be sent around through us. */
export const queryRoomDirectory = endpoint(
  'queryRoomDirectory',
  async ({ query }, { directory, roomSettings }) => {
    if (serverNameOf(query.room_alias) !== roomSettings.serverName) {
      throw new MatrixError('M_NOT_FOUND', 'This is not an alias of this server')
    }
    const { roomId, servers } = await directory.resolve(query.room_alias)
    return { room_id: roomId, servers }
  },
)
