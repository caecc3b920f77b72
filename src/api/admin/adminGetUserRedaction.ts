import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { REDACT_USER, UserRedaction } from '../../services/administration/user-redaction.ts'

export const adminGetUserRedaction = endpoint(
  'adminGetUserRedaction',
  async ({ path }, { administration }) => {
    const task = await administration.tasks.one(path.redactId)
    if (task?.action !== REDACT_USER) throw new MatrixError('M_NOT_FOUND', 'There is no such redaction')
    const { status, result, error } = task
    return {
      status,
      ...(status === 'complete' ? { failed_redactions: UserRedaction.failuresOf(result) } : {}),
      ...(status === 'failed' ? { error: error ?? 'It failed' } : {}),
    }
  },
)
