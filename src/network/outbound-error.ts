import { OutsideError } from '../core/errors.ts'

/**
 * Why an outgoing request got no usable answer:
 * `unreachable` (name, connection, certificate, broken HTTP), `timeout`, `denied` (by our own policy), `too-large`.
 */
export type OutboundFailure = 'unreachable' | 'timeout' | 'denied' | 'too-large'

/** An outgoing request failed below its meaning. Its cause is for the log. */
export class OutboundError extends OutsideError {
  override readonly name = 'OutboundError'
  readonly kind: OutboundFailure
  /** The status of the response, where one had begun. */
  readonly status: number | undefined

  constructor(kind: OutboundFailure, message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.status = options.status
  }

  override get expected(): boolean {
    return isExpected(this.kind)
  }
}

/** Servers stop, move and are cut off every day. */
export const isExpected = (kind: string): boolean => kind === 'unreachable' || kind === 'timeout'

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined

const TIMEOUT_CODES: readonly unknown[] = [
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]

/** Wraps what the network threw; an `OutboundError` stays itself. */
export const toOutboundError = (error: unknown, status?: number): OutboundError => {
  if (error instanceof OutboundError) return error
  const code = codeOf(error)
  const message = error instanceof Error && error.message !== '' ? error.message : String(code ?? error)
  const options = { cause: error, ...(status === undefined ? {} : { status }) }
  if (TIMEOUT_CODES.includes(code)) return new OutboundError('timeout', message, options)
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return new OutboundError('too-large', message, options)
  return new OutboundError('unreachable', message, options)
}

/**
 * Whether a kept-alive connection may have been closed by the peer in the moment it was used again. Such a request
 * was not answered, and says nothing about the peer's health.
 */
export const isStaleConnection = (error: unknown): boolean =>
  ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(String(codeOf(error)))
