import type { StateAt } from '../../storage/rooms/state-views.ts'
import type { RoomTimeline } from '../sync/room-timeline.ts'
import type { RequiredState } from './required-state.ts'

/**
 * The users whose profiles go with a room as it is told: those of the member events that it is told with, among which are those who speak
 * where members are loaded lazily; where a client asks for no members but some, also those who speak.
 */
export const shownPeople = (
  { lazyMembers, allMembers }: RequiredState,
  entries: readonly StateAt[],
  { events }: RoomTimeline,
): ReadonlySet<string> => {
  const people = new Set<string>()
  for (const { type, stateKey } of entries) if (type === 'm.room.member') people.add(stateKey)
  if (!lazyMembers && !allMembers) for (const { event } of events) people.add(event.sender)
  return people
}
