import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

export const getWellknownPolicy = endpoint('getWellknownPolicy', async (_call, { wellKnown }) => {
  if (wellKnown.policyServer === undefined) {
    throw new MatrixError('M_NOT_FOUND', 'No policy server goes by this name')
  }
  return wellKnown.policyServer
})
