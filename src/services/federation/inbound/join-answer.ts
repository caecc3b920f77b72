import type { JsonObject } from '../../../core/json.ts'
import type { StoredEvent } from '../../../storage/rooms/events.ts'
import type { Membership } from '../../../storage/rooms/memberships.ts'
import type { StateEntry } from '../../../storage/rooms/state.ts'
import type { RoomsContext } from '../../rooms/room-writer.ts'
import { type RoomState, stateBefore } from '../../rooms/state-at.ts'

/** The response of `send_join`. */
export interface JoinAnswer {
  readonly event: JsonObject
  readonly state: readonly JsonObject[]
  readonly auth_chain: readonly JsonObject[]
  readonly members_omitted: boolean
  readonly servers_in_room?: readonly string[]
}

/** client-server API, `m.heroes`: "up to five". */
const HEROES = 5

/**
 * Describes the room before a join to the server that joins. With `omitMembers` the state lacks most members, and the
 * auth chain what stands in the state.
 *
 * @param view.hosts the servers in the room before the join
 */
export const joinAnswer = async (
  { read }: RoomsContext,
  join: StoredEvent,
  view: {
    readonly hosts: readonly string[]
    readonly omitMembers: boolean
    readonly members: ReadonlyMap<string, Membership>
  },
): Promise<JoinAnswer> => {
  const before = await stateBefore(read, join)
  const entries = view.omitMembers ? withoutMembers(before, join, view.members) : [...before.values()]
  const stateNids = entries.map(entry => entry.nid)
  const inState = new Set(view.omitMembers ? stateNids : [])
  const chain = (await read.events.authChain([...stateNids, join.nid])).filter(nid => !inState.has(nid))
  const pdus = async (nids: readonly number[]) => (await read.events.byNids(nids)).map(one => one.event.pdu)
  return {
    event: join.event.pdu,
    state: await pdus(stateNids),
    auth_chain: await pdus(chain),
    members_omitted: view.omitMembers,
    ...(view.omitMembers ? { servers_in_room: view.hosts } : {}),
  }
}

/**
 * "If the room to be joined has no m.room.name nor m.room.canonical_alias events in its current state", the members
 * that stand for its name are left in; the joining user's own membership always is.
 */
const withoutMembers = (
  state: RoomState,
  join: StoredEvent,
  members: ReadonlyMap<string, Membership>,
): StateEntry[] => {
  const joining = join.event.stateKey ?? ''
  const kept = new Set([joining])
  const named = [...state.values()].some(
    ({ type, stateKey }) => stateKey === '' && (type === 'm.room.name' || type === 'm.room.canonical_alias'),
  )
  if (!named) {
    for (const [userId, membership] of members) {
      if (kept.size > HEROES) break
      if (membership === 'join' || membership === 'invite') kept.add(userId)
    }
  }
  return [...state.values()].filter(({ type, stateKey }) => type !== 'm.room.member' || kept.has(stateKey))
}
