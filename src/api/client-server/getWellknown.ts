import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

export const getWellknown = endpoint('getWellknown', async (_call, { wellKnown }) => {
  if (wellKnown.client === undefined) {
    throw new MatrixError('M_NOT_FOUND', 'This server does not say how clients reach it')
  }
  return wellKnown.client
})
