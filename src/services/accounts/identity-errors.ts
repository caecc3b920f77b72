import { MatrixError, RelayedError } from '../../core/errors.ts'
import { IdentityServerError } from '../../network/identity-servers.ts'
import { OutboundError } from '../../network/outbound-error.ts'

/**
 * Asks an identity server something, and renders what goes wrong as the client's error.
 *
 * Throws the identity server's own error, `M_SERVER_NOT_TRUSTED`, `M_CONNECTION_FAILED`, `M_CONNECTION_TIMEOUT`.
 */
export const askIdentityServer = async <Servers, T>(
  servers: Servers | undefined,
  question: (servers: Servers) => Promise<T>,
): Promise<T> => {
  if (servers === undefined) throw notTrusted()
  try {
    return await question(servers)
  } catch (error) {
    throw toClientError(error)
  }
}

/** An identity server answered something that is no Matrix error. */
export class UnbindNotSupported extends MatrixError {
  constructor(cause: unknown) {
    super('M_UNKNOWN', 'The identity server gave an answer that makes no sense.', { status: 502, cause })
  }
}

const toClientError = (error: unknown): unknown => {
  if (error instanceof IdentityServerError) {
    const { body, status } = error
    if (body === undefined || status < 400 || status >= 600) return new UnbindNotSupported(error)
    const message = 'The identity server refused.'
    return new RelayedError(message, { status, body: { error: message, ...body }, cause: error })
  }
  if (!(error instanceof OutboundError)) return error
  if (error.kind === 'denied') return notTrusted(error)
  return error.kind === 'timeout'
    ? new MatrixError('M_CONNECTION_TIMEOUT', 'The identity server did not answer in time.', { cause: error })
    : new MatrixError('M_CONNECTION_FAILED', 'The identity server cannot be reached.', { cause: error })
}

const notTrusted = (cause?: unknown): MatrixError =>
  new MatrixError('M_SERVER_NOT_TRUSTED', 'This server does not talk to that identity server.', { cause })
