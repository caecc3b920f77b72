import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

export const getWellknownSupport = endpoint('getWellknownSupport', async (_call, { wellKnown }) => {
  if (wellKnown.support === undefined) {
    throw new MatrixError('M_NOT_FOUND', 'This server does not say whom to ask')
  }
  return wellKnown.support
})
