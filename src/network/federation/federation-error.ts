import { OutsideError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { isExpected, type OutboundFailure } from '../outbound-error.ts'

/** Besides what fails on the way: an error `response` of the peer, and a response that is `malformed`. */
export type FederationFailure = OutboundFailure | 'response' | 'malformed'

/** What is known about the failure besides its kind. */
export interface FederationErrorDetails {
  readonly status?: number | undefined
  readonly errcode?: string | undefined
  /** The body of the peer's error response, such as `room_version` of `M_INCOMPATIBLE_ROOM_VERSION`. */
  readonly fields?: JsonObject
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/** A request to another homeserver failed. What the peer says in it is not to be trusted. */
export class FederationError extends OutsideError {
  override readonly name = 'FederationError'
  readonly kind: FederationFailure
  readonly destination: string
  readonly status: number | undefined
  readonly errcode: string | undefined
  readonly fields: JsonObject
  /** How long the peer asks us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(
    kind: FederationFailure,
    destination: string,
    message: string,
    details: FederationErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.kind = kind
    this.destination = destination
    this.status = details.status
    this.errcode = details.errcode
    this.fields = details.fields ?? {}
    this.retryAfterMs = details.retryAfterMs
  }

  override get expected(): boolean {
    return isExpected(this.kind)
  }

  /** Whether the same request may succeed later: the peer did not answer, is overloaded, or broken for now. */
  get retryable(): boolean {
    if (this.kind !== 'response') return isExpected(this.kind)
    return this.status === 408 || this.status === 429 || (this.status ?? 0) >= 500
  }
}
