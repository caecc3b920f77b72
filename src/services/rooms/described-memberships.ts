import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { StateDelta } from '../../storage/rooms/state-entry.ts'
import { membershipOf, type RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { userSearchText } from './user-names.ts'

/**
 * Sets the memberships that change where a peer describes a room, at the first position of the write set. Moves the head.
 *
 * @param state the described state
 * @param nids of its events, by event ID
 * @param changes how it differs from the state before
 */
export const describedMemberships = (
  { write }: RoomsContext,
  head: RoomHead,
  { state, nids }: { state: ReadonlyMap<string, RoomEvent>; nids: ReadonlyMap<string, number> },
  changes: readonly StateDelta[],
): WriteStatement[] => {
  const members = changes.filter(change => change.type === 'm.room.member')
  const rows = members.flatMap(({ stateKey: userId, eventId }) => {
    const event = eventId === undefined ? undefined : state.get(stateMapKey('m.room.member', userId))
    const membership = event && membershipOf(event)
    head.setMembership(userId, membership)
    if (event === undefined || membership === undefined) return []
    return [
      {
        roomNid: head.room.nid,
        userId,
        host: serverNameOf(userId),
        membership,
        eventNid: nids.get(event.eventId) ?? 0,
        position: { stream: 'events', offset: 0 } as const,
        searchText: userSearchText(userId, event),
      },
    ]
  })
  const joined = rows.filter(row => row.membership === 'join')
  const gone = members.filter(change => change.nid === undefined).map(change => change.stateKey)
  return [
    ...write.memberships.set(rows),
    ...write.memberships.remove(head.room.nid, gone),
    ...write.userDirectory.put(joined),
  ]
}
