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

/**
 * The device that a request is about, where there has to be one.
 *
 * @throws {MatrixError} `M_INVALID_PARAM` for application services that act without a device
 */
export const deviceOf = ({ deviceId }: Requester): string => {
  if (deviceId === undefined) throw new MatrixError('M_INVALID_PARAM', 'This needs a device.')
  return deviceId
}
