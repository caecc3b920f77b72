import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { DELETE_ROOM } from '../../services/administration/room-deletion.ts'
import { checkRoomId, deletionStatus } from '../administered-rooms.ts'

export const adminListRoomDeletions = endpoint(
  'adminListRoomDeletions',
  async ({ path }, { administration }) => {
    checkRoomId(path.roomId)
    const { tasks, deletion } = administration
    const found = await tasks.list({ actions: [DELETE_ROOM], resourceId: path.roomId })
    if (found.length === 0) throw new MatrixError('M_NOT_FOUND', 'This room is not being deleted')
    return { results: found.map(task => deletionStatus(deletion.status(task))) }
  },
)
