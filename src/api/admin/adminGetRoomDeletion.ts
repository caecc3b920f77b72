import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { DELETE_ROOM } from '../../services/administration/room-deletion.ts'
import { deletionStatus } from '../administered-rooms.ts'

export const adminGetRoomDeletion = endpoint('adminGetRoomDeletion', async ({ path }, { administration }) => {
  const task = await administration.tasks.one(path.deleteId)
  if (task?.action !== DELETE_ROOM) throw new MatrixError('M_NOT_FOUND', 'There is no such deletion')
  return deletionStatus(administration.deletion.status(task))
})
