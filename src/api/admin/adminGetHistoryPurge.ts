import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { PURGE_HISTORY } from '../../services/administration/history-purge.ts'

export const adminGetHistoryPurge = endpoint('adminGetHistoryPurge', async ({ path }, { administration }) => {
  const task = await administration.tasks.one(path.purgeId)
  if (task?.action !== PURGE_HISTORY) throw new MatrixError('M_NOT_FOUND', 'There is no such purge')
  const { status, error } = task
  return {
    status: status === 'scheduled' ? 'active' : status,
    ...(error === undefined ? {} : { error }),
  }
})
