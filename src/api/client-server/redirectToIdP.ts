import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

/** No `identity_providers` are offered: people sign in here, so that there is none by any name. */
export const redirectToIdP = endpoint('redirectToIdP', async () => {
  throw new MatrixError('M_NOT_FOUND', 'There is no such identity provider')
})
