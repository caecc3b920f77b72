/** Sticky events (MSC4354): message events that are to reach everybody in the room for a while, as state does. */
import { isJsonObject } from '../json.ts'
import type { RoomEvent } from './event.ts'

/** The top-level member of an event that makes it sticky. */
export const STICKY = 'msc4354_sticky'

/** "Valid values are the integer range 0-3600000 (1 hour)." */
export const MAX_STICKY_MS = 3_600_000

/** A duration that a client asks for: of more than an hour, an hour. */
export const boundedSticky = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : Math.min(ms, MAX_STICKY_MS)

/**
 * For how long an event asks to be sticky, in milliseconds, an hour at most; `undefined` for an ordinary event: "the
 * presence of the `sticky` object alone is insufficient". Nothing that stands there makes an event invalid, and nothing of
 * it survives a redaction: "a redacted sticky event is the same as a normal event".
 */
export const stickyDuration = ({ pdu }: Pick<RoomEvent, 'pdu'>): number | undefined => {
  const sticky = pdu[STICKY]
  if (!isJsonObject(sticky)) return undefined
  const duration = sticky['duration_ms']
  if (typeof duration !== 'number' || !Number.isSafeInteger(duration) || duration < 0) return undefined
  // "The end time as `start_time + min(sticky_duration_ms, 3600000)`."
  return Math.min(duration, MAX_STICKY_MS)
}

/**
 * When an event ceases to be sticky, in milliseconds since 1970; `undefined` if it is not, or no more.
 *
 * "The start time is `min(received_ts, origin_server_ts)`. This ensures that malicious origin timestamps cannot specify
 * start times in the future."
 *
 * @param receivedTs now, as the event enters this server
 */
export const stickyUntil = (
  event: Pick<RoomEvent, 'pdu' | 'originServerTs'>,
  receivedTs: number,
): number | undefined => {
  const duration = stickyDuration(event)
  if (duration === undefined) return undefined
  const end = Math.min(receivedTs, event.originServerTs) + duration
  return end > receivedTs ? end : undefined
}
