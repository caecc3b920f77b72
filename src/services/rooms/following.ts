import type { RoomEvent } from '../../core/event/event.ts'
import type { RoomHead } from './room-head.ts'

/**
 * Whether an event can be judged while what it follows is on its way to the disk: a message that extends exactly the head,
 * as in a busy room nearly all are. For all else the database has to tell what the head tells.
 */
export const mayFollow = (event: RoomEvent, head: RoomHead): boolean =>
  event.stateKey === undefined &&
  event.redacts === undefined &&
  head.partial === undefined &&
  isLinear(event, head) &&
  !event.authEvents.some(eventId => head.unsettled.has(eventId)) &&
  // One that waits for this very event is not found yet.
  !head.unsettled.values().some(before => before.redacts !== undefined)

/** Whether an event extends exactly the head, so that the state before it is the current state. */
export const isLinear = ({ prevEvents }: RoomEvent, { extremities }: RoomHead): boolean => {
  const prev = new Set(prevEvents)
  return extremities.length === prev.size && extremities.every(extremity => prev.has(extremity.eventId))
}
