/** What of an event as it goes out to a client differs for each viewer, or changes with time: parts of `unsigned`, as JSON text. */
import { clientEvent } from '../../core/event/client-event.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { isPassing } from '../../storage/rooms/passing-events.ts'
import type { EventOrigin } from '../../storage/rooms/transactions.ts'
import type { ForkState, Sight } from './room-sight.ts'
import { shownEvent } from './shown-event.ts'

/** For whom events are rendered. */
export interface EventViewer {
  readonly userId: string
  /** Its own events carry the transaction ID that it gave them. */
  readonly deviceId: string | undefined
  /**
   * If given, `unsigned.membership` tells the viewer's membership at each event, and `unsigned.prev_content` only what
   * the viewer may see. Without it the viewer is somebody who may see all of the room's state.
   */
  readonly sight?: Sight
  /** What `Timelines` found out about events on forks. */
  readonly forks?: ReadonlyMap<number, ForkState>
}

/** "The `delay_id` of a sent delayed event MUST be included … if, and only if, the client … is authenticated as the event's sender" (MSC4140). */
export const originText = (origin: EventOrigin | undefined): string =>
  (origin?.txnId === undefined ? '' : `,"transaction_id":${JSON.stringify(origin.txnId)}`) +
  (origin?.delayId === undefined ? '' : `,"org.matrix.msc4140.delay_id":${JSON.stringify(origin.delayId)}`)

/** "… to indicate how many milliseconds until the sticky event expires" (MSC4354). */
export const stickyText = (expiresTs: number | undefined, now: number): string =>
  expiresTs === undefined || expiresTs <= now ? '' : `,"msc4354_sticky_duration_ttl_ms":${expiresTs - now}`

/** A redaction may have been redacted itself. */
export const redactionText = (stored: StoredEvent): string =>
  JSON.stringify(clientEvent(shownEvent(stored), { roomId: true, unsigned: {} }))

/** `replaces_state`, and what was replaced "if the client has permission to see the previous event". */
export const replacement = (
  stored: StoredEvent,
  before: StoredEvent | undefined,
  viewer: EventViewer,
): string => {
  if (before === undefined) return ''
  const replaces = `"replaces_state":${JSON.stringify(before.event.eventId)},`
  if (!mayKnow(stored, before, viewer)) return replaces
  const content =
    isPassing(before) && before.redactedBy === undefined
      ? before.event.contentText
      : JSON.stringify(shownEvent(before).content)
  return `${replaces}"prev_content":${content},"prev_sender":${JSON.stringify(before.event.sender)},`
}

const mayKnow = ({ event, position = 0 }: StoredEvent, before: StoredEvent, viewer: EventViewer): boolean => {
  const { sight, userId } = viewer
  if (sight === undefined) return true
  if (event.type === 'm.room.member' && event.stateKey === userId) return true
  // Who was in the room just before knows its state, however old it was.
  if (position > sight.knownFrom && sight.membershipAt(position - 1) === 'join') return true
  return sight.sees(before)
}

/** "If the user had yet to join the room at the time of the event, this property is set to `leave`." */
export const membership = (stored: StoredEvent, { sight, forks }: EventViewer): string => {
  const { position, nid } = stored
  if (sight === undefined || position === undefined || position < sight.knownFrom) return ''
  return `,"membership":"${sight.membershipIn(stored, forks?.get(nid)) ?? 'leave'}"`
}
