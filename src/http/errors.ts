import { MatrixError, NotServing } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { Reply } from './reply.ts'

/** Where the pipeline writes; a pino logger fits. */
export interface HttpLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** Whether anybody reads lines of a level; without it all are written. */
  isLevelEnabled?(level: string): boolean
}

/**
 * The one renderer of failures: a standard error response (client-server API, "Standard error response").
 * A `MatrixError` is answered as it is (with `limitInfoUri` where a limit of the account is reached); everything else is a 500 that tells nothing but the request's ID, under
 * which the log has the details. Where the database does not answer it is a 503: proxies then ask another process, if they have one.
 */
export const renderError = (
  error: unknown,
  { requestId, log, limitInfoUri }: { requestId: string; log: HttpLog; limitInfoUri?: string | undefined },
): Reply => {
  if (error instanceof MatrixError) {
    if (error.status >= 500) log.warn({ request: requestId, err: error }, 'request failed')
    return new Reply({
      status: error.status,
      headers: withRetryAfter(error),
      json: withLimitInfo(error, limitInfoUri),
    })
  }
  if (error instanceof NotServing) {
    log.warn({ request: requestId, err: error }, 'request failed')
    return new Reply({
      status: 503,
      json: { errcode: 'M_UNKNOWN', error: 'This server cannot answer at the moment. Try again later.' },
    })
  }
  log.error({ request: requestId, err: error }, 'request failed unexpectedly')
  return new Reply({
    status: 500,
    json: { errcode: 'M_UNKNOWN', error: `Internal error. The server's log has it as ${requestId}.` },
  })
}

/** Seconds to wait where whoever refused did not say how long. */
const UNKNOWN_WAIT_S = 5

/** "Homeservers SHOULD include a `Retry-After` header for any response with a 429 status code." */
const withRetryAfter = ({ status, headers, fields }: MatrixError): Readonly<Record<string, string>> => {
  if (status !== 429 || headers['Retry-After'] !== undefined) return headers
  const waitMs = fields['retry_after_ms']
  const seconds = typeof waitMs === 'number' ? Math.max(Math.ceil(waitMs / 1000), 1) : UNKNOWN_WAIT_S
  return { ...headers, 'Retry-After': String(seconds) }
}

/** "The error response MUST have an `info_uri` field (string)", which services need not know. */
const withLimitInfo = ({ errcode, body }: MatrixError, limitInfoUri: string | undefined): JsonObject =>
  errcode === 'M_USER_LIMIT_EXCEEDED' && limitInfoUri !== undefined
    ? { info_uri: limitInfoUri, ...body }
    : body
