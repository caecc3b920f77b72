import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

export const adminSetExperimentalFeatures = endpoint(
  'adminSetExperimentalFeatures',
  async ({ path, body }, { accounts }) => {
    await accounts.administered.one(path.userId)
    const [feature] = Object.keys(body.features)
    if (feature !== undefined)
      throw new MatrixError('M_INVALID_PARAM', `There is no feature ${feature.toWellFormed()} to switch.`)
    return {}
  },
)
