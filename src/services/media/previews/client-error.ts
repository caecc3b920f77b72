import { MatrixError } from '../../../core/errors.ts'
import { OutboundError } from '../../../network/outbound-error.ts'
import { PoolFull } from '../../accounts/bounded-pool.ts'

/** What a client is told of why there is no preview; errors that are none of the page's stay as they are. */
export const clientError = (error: unknown): unknown => {
  if (error instanceof PoolFull) {
    return new MatrixError('M_LIMIT_EXCEEDED', 'Too many pages are being fetched', {
      fields: { retry_after_ms: 5_000 },
    })
  }
  if (!(error instanceof OutboundError)) return error
  const options = { cause: error }
  switch (error.kind) {
    case 'denied':
      return new MatrixError('M_FORBIDDEN', 'This server does not visit such addresses', options)
    case 'timeout':
      return new MatrixError('M_CONNECTION_TIMEOUT', 'The page did not answer in time', options)
    default:
      return new MatrixError('M_CONNECTION_FAILED', 'The page cannot be reached', options)
  }
}
