import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { StreamPosition, WriteStatement } from '../../storage/database.ts'
import type { StateDelta } from '../../storage/rooms/state-entry.ts'
import { membershipOf, type RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { userSearchText } from './user-names.ts'

/**
 * Sets the memberships that change where a peer describes a room, at the position of the state. Moves the head. Our own
 * users who are in it, as nobody here knew, are learnt late.
 *
 * @param state the described state
 * @param nids of its events, by event ID
 * @param changes how it differs from the state before
 * @param lacksMembers that members are left out of the description: of our own users who have left it stays known that they
 *   have, for their clients may not have been told yet
 */
export const describedMemberships = (
  { write, serverName }: RoomsContext,
  head: RoomHead,
  {
    state,
    nids,
    lacksMembers = false,
  }: {
    state: ReadonlyMap<string, RoomEvent>
    nids: ReadonlyMap<string, number>
    lacksMembers?: boolean
  },
  { changes, position }: { readonly changes: readonly StateDelta[]; readonly position: StreamPosition },
): WriteStatement[] => {
  const staysKnown = (userId: string): boolean =>
    lacksMembers && serverNameOf(userId) === serverName && head.memberships.get(userId) !== 'join'
  const members = changes.filter(change => change.type === 'm.room.member')
  const gone = members
    .filter(({ nid, stateKey }) => nid === undefined && !staysKnown(stateKey))
    .map(change => change.stateKey)
  const rows = members.flatMap(({ stateKey: userId, eventId }) => {
    const event = eventId === undefined ? undefined : state.get(stateMapKey('m.room.member', userId))
    const membership = event && membershipOf(event)
    const wasIn = head.memberships.get(userId) === 'join'
    head.setMembership(userId, membership)
    if (event === undefined || membership === undefined) return []
    const host = serverNameOf(userId)
    const isLate = host === serverName && membership === 'join' && !wasIn
    return [
      {
        roomNid: head.room.nid,
        ...{ userId, host, membership },
        eventNid: nids.get(event.eventId) ?? 0,
        position,
        ...(isLate ? { toldFrom: position } : {}),
        searchText: userSearchText(userId, event.content['displayname']),
      },
    ]
  })
  const joined = rows.filter(row => row.membership === 'join')
  return [
    ...write.memberships.set(rows),
    ...(lacksMembers
      ? write.memberships.remove(head.room.nid, gone)
      : write.memberships.end(head.room.nid, gone, position)),
    ...write.userDirectory.put(joined),
  ]
}
