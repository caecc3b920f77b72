import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

/** Nobody signs in by an account elsewhere. */
export const adminFindUserByExternalId = endpoint('adminFindUserByExternalId', async () => {
  throw new MatrixError('M_NOT_FOUND', 'This account is nobody’s here.')
})
