import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { StateDelta } from '../../storage/rooms/state-entry.ts'
import { type MemberEvent, memberEventOf } from './member-event.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { userSearchText } from './user-names.ts'

/** The first position of the commit. */
const NOW = { stream: 'events', offset: 0 } as const

/**
 * In a room that was joined without its members: takes those into the state at the join whom an event's auth events
 * name and nobody has said anything of yet. So its sender's membership is at hand for the rules and for whoever is shown
 * the event (MSC3902: "we resolve this by checking the `auth_events`"). What is known of a user already stands: "if we
 * have a ban for a particular user, then their events will be rejected".
 *
 * Moves the head; answers the statements that store it.
 */
export const adoptMembers = (
  context: RoomsContext,
  head: RoomHead,
  authEvents: Iterable<StoredEvent>,
): WriteStatement[] => {
  const { partial } = head
  if (partial === undefined) return []
  const unknown = new Map<string, MemberEvent>()
  for (const stored of authEvents) {
    const member = memberEventOf(stored)
    if (member === undefined || stored.rejected !== undefined || stored.roomNid !== head.room.nid) continue
    if (!head.state.has(stateMapKey('m.room.member', member.userId))) unknown.set(member.userId, member)
  }
  if (unknown.size === 0) return []
  const members = [...unknown].map(([stateKey, { nid }]) => ({ type: 'm.room.member', stateKey, nid }))
  return [
    ...context.write.partial.fill(head.room.nid, partial.stateAt, members),
    ...setMembers(context, head, unknown.values(), partial.stateAt),
  ]
}

/**
 * Puts member events into the current state that have held since a position, with all that follows from them. Of our own users
 * whom others held to be in the room, clients are told now: they know nothing of a join whose answer was lost.
 */
export const setMembers = (
  { write, serverName }: RoomsContext,
  head: RoomHead,
  members: Iterable<MemberEvent>,
  position: number,
): WriteStatement[] => {
  const roomNid = head.room.nid
  const deltas: StateDelta[] = []
  const rows: Parameters<typeof write.memberships.set>[0][number][] = []
  const joined: Parameters<typeof write.userDirectory.put>[0][number][] = []
  for (const { nid, generation, eventId, userId, membership, displayname } of members) {
    deltas.push({ type: 'm.room.member', stateKey: userId, nid, eventId, generation })
    const wasIn = head.memberships.get(userId) === 'join'
    head.setMembership(userId, membership)
    if (membership === undefined) continue
    const host = serverNameOf(userId)
    const isNews = host === serverName && membership === 'join' && !wasIn
    const since = isNews ? { position: NOW, toldFrom: NOW } : { position }
    rows.push({ roomNid, userId, host, membership, eventNid: nid, ...since })
    if (membership === 'join') joined.push({ userId, searchText: userSearchText(userId, displayname) })
  }
  head.applyState(deltas)
  return [...write.memberships.set(rows), ...write.userDirectory.put(joined)]
}

/**
 * The state of which an event's auth events tell: of the state before an event on a branch that is not here, nothing else is known
 * (MSC3902: "we perform a state-resolution between the limited state that we do have, and the event's auth events").
 */
export const stateOfAuth = (authEvents: readonly StoredEvent[]): StateDelta[] =>
  authEvents.flatMap(({ event, nid, generation, rejected }) => {
    const { type, stateKey, eventId } = event
    return stateKey === undefined || rejected !== undefined
      ? []
      : { type, stateKey, nid, eventId, generation }
  })

/** Those whose membership authorises the join are known, even where the state was told without members. */
export const addMembersOfAuth = (
  state: Map<string, RoomEvent>,
  join: RoomEvent,
  stored: readonly RoomEvent[],
  rejected: ReadonlyMap<string, string>,
): void => {
  const authEvents = new Set(join.authEvents)
  for (const event of stored) {
    if (!authEvents.has(event.eventId) || rejected.has(event.eventId)) continue
    if (event.type !== 'm.room.member' || event.stateKey === undefined) continue
    const key = stateMapKey(event.type, event.stateKey)
    if (!state.has(key)) state.set(key, event)
  }
}
