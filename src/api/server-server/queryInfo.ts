import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

/** "Known query types are specified as their own endpoints": what comes here is none of them. */
export const queryInfo = endpoint('queryInfo', async ({ path: { queryType } }) => {
  throw new MatrixError('M_UNRECOGNIZED', `There are no queries of type ${queryType}`)
})
