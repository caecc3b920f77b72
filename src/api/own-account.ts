import { MatrixError } from '../core/errors.ts'
import type { Requester } from '../services/requester.ts'

/**
 * Refuses requests about somebody else's account: "the access token must be authorised to make requests for this
 * user ID".
 *
 * @throws {MatrixError} `M_FORBIDDEN`
 */
export const refuseOthers = (requester: Requester, userId: string): void => {
  if (requester.userId !== userId) throw new MatrixError('M_FORBIDDEN', 'This belongs to another user.')
}
