import { MatrixError } from '../../core/errors.ts'
import { endpoint, reply } from '../../http/endpoint.ts'

/** How long clients may keep the answer, in seconds: it changes when the operator changes settings. */
const CACHE_SECONDS = 600

export const getAuthMetadata = endpoint('getAuthMetadata', async (_call, { accounts }) => {
  const json = accounts.oauth.metadata()
  if (json === undefined) throw new MatrixError('M_UNRECOGNIZED', 'The OAuth 2.0 API is not in use here')
  return reply({ json, headers: { 'Cache-Control': `public, max-age=${CACHE_SECONDS}` } })
})
