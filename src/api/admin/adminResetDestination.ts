import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { destinationNamed } from '../administered-destinations.ts'

export const adminResetDestination = endpoint(
  'adminResetDestination',
  async ({ path }, { administration, federation }) => {
    const { server, failing } = await destinationNamed(path.destination, administration)
    if (failing === undefined)
      throw new MatrixError('M_UNKNOWN', 'This server answers: there is nothing to reset', { status: 400 })
    federation.resetBackoff(server)
    return {}
  },
)
