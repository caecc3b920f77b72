import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

export const federationGetWellKnown = endpoint('federationGetWellKnown', async (_call, { wellKnown }) => {
  if (wellKnown.server === undefined) {
    throw new MatrixError('M_NOT_FOUND', 'This server is found by its name alone')
  }
  return wellKnown.server
})
