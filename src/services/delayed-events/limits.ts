import { MatrixError } from '../../core/errors.ts'
import { MAX_EVENT_BYTES } from '../../core/event/format.ts'
import type { JsonObject } from '../../core/json.ts'

/** What a user may have waiting. */
export interface DelayedEventLimits {
  /** Milliseconds. */
  readonly maxDelay: number
  /** None at all with 0. */
  readonly maxScheduled: number
}

/** An event that a client wants to be sent later. */
export interface ToBeDelayed {
  readonly roomId: string
  readonly type: string
  /** Of a state event. */
  readonly stateKey?: string | undefined
  readonly content: JsonObject
  readonly delayMs: number
  /** For how long it is to be sticky from when it is sent (MSC4354), in milliseconds. */
  readonly stickyMs?: number | undefined
  /** The time that an application service gives it, in place of that at which it is sent. */
  readonly ts?: number | undefined
  /** Where the request has one. */
  readonly txnId?: string | undefined
  /** Asked for by the query parameter of the draft that clients still follow, whose refusals they understand. */
  readonly byQuery?: boolean
}

/** Throws `M_FORBIDDEN`, `M_INVALID_PARAM`, `M_TOO_LARGE`, and what clients of the draft with a query parameter look for. */
export const checkRequest = (
  { delayMs, content, byQuery }: ToBeDelayed,
  limits: DelayedEventLimits,
): void => {
  if (limits.maxScheduled === 0) {
    throw new MatrixError('M_FORBIDDEN', 'This server sends no delayed events', {
      fields: { 'org.matrix.msc4140.errcode': 'M_MAX_DELAYED_EVENTS_EXCEEDED' },
    })
  }
  if (!Number.isSafeInteger(delayMs) || delayMs <= 0) {
    throw new MatrixError('M_INVALID_PARAM', 'The delay is a positive number of milliseconds')
  }
  if (delayMs > limits.maxDelay) throw delayTooLong(limits, byQuery)
  if (Buffer.byteLength(JSON.stringify(content)) > MAX_EVENT_BYTES) {
    throw new MatrixError('M_TOO_LARGE', 'No event may be that large')
  }
}

/**
 * "If a requested delay exceeds this maximum, the homeserver will respond with HTTP 403 and … `M_FORBIDDEN`." The draft with the
 * query parameter had an error code of its own, under `M_UNKNOWN`.
 */
const delayTooLong = ({ maxDelay }: DelayedEventLimits, byQuery = false): MatrixError =>
  new MatrixError(byQuery ? 'M_UNKNOWN' : 'M_FORBIDDEN', `Events may be delayed by ${maxDelay} ms at most`, {
    status: byQuery ? 400 : 403,
    fields: {
      'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
      'org.matrix.msc4140.max_delay': maxDelay,
    },
  })

/** "… a `Retry-After` header whose value is set to the time … of the next of the user's delayed events to be sent." */
export const limitReached = (now: number, soonest: number | undefined): MatrixError => {
  const waitMs = Math.max((soonest ?? now) - now, 1)
  return new MatrixError('M_LIMIT_EXCEEDED', 'The maximum number of delayed events has been reached', {
    fields: {
      retry_after_ms: waitMs,
      'org.matrix.msc4140.errcode': 'M_MAX_DELAYED_EVENTS_EXCEEDED',
    },
    headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) },
  })
}
