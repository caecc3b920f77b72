import { stateMapKey } from '../../../core/event/event.ts'
import { asItTravels } from '../../../core/event/loose-numbers.ts'
import type { StoredEvent } from '../../../storage/rooms/events.ts'
import type { RoomReaders } from '../../../storage/rooms/index.ts'
import type { Membership } from '../../../storage/rooms/memberships.ts'
import type { StateViews } from '../../../storage/rooms/state-views.ts'
import { type Body, objectBody } from '../../body.ts'
import { shownEvent } from '../../rooms/shown-event.ts'
import { stateBefore } from '../../rooms/state-at.ts'
import { inSlices } from '../../rooms/state-slices.ts'

/** client-server API, `m.heroes`: "up to five". */
const HEROES = 5

/** What a join is answered from. */
interface Sources {
  readonly read: RoomReaders
  readonly views: StateViews
}

/**
 * Describes the room before a join to the server that joins: the response of `send_join`, as JSON text. With `omitMembers` the state lacks most members, and the
 * auth chain what stands in the state.
 *
 * @param view.hosts the servers in the room before the join
 * @param view.onFound is told how many events it is
 */
export const joinAnswer = async (
  { read, views }: Sources,
  join: StoredEvent,
  view: {
    readonly hosts: readonly string[]
    readonly omitMembers: boolean
    readonly onFound: (events: number) => void
  },
): Promise<Body> => {
  const stateNids = view.omitMembers
    ? await withoutMembers({ read, views }, join)
    : [...(await stateBefore(read, join)).values()].map(entry => entry.nid)
  const inState = new Set(view.omitMembers ? stateNids : [])
  const chain = (await read.authGraph.chain([...stateNids, join.nid])).filter(nid => !inState.has(nid))
  view.onFound(stateNids.length + chain.length)
  const members = [
    `"event":${JSON.stringify(asItTravels(join.event.pdu, join.event.version))}`,
    `"members_omitted":${view.omitMembers}`,
    ...(view.omitMembers ? [`"servers_in_room":${JSON.stringify(view.hosts)}`] : []),
  ]
  return objectBody(members, [
    ['state', pduTexts(read, stateNids)],
    ['auth_chain', pduTexts(read, chain)],
  ])
}

/**
 * Events as other servers get them, as JSON texts, without what redactions took away: who comes into a room later may never see
 * these. Very many of them are loaded in slices.
 */
export async function* pduTexts(read: RoomReaders, nids: readonly number[]): AsyncGenerator<string[], void> {
  for await (const events of inSlices(read, nids)) {
    yield events.map(stored => JSON.stringify(asItTravels(shownEvent(stored).pdu, stored.event.version)))
  }
}

/**
 * The state before a join without members, but for the joining user's own membership and those who stand for the name of
 * a room without one: "the resident server should include these members' membership events in the response `state`".
 * What it costs does not depend on how many members there are.
 */
const withoutMembers = async ({ read, views }: Sources, join: StoredEvent): Promise<number[]> => {
  const { roomNid, position = 0, event } = join
  const [others, deltas] = await Promise.all([
    views.withoutMembers(roomNid, position - 1),
    read.state.delta(join.nid),
  ])
  const joining = event.stateKey ?? ''
  const isNamed = others.some(
    ({ type, stateKey }) => stateKey === '' && (type === 'm.room.name' || type === 'm.room.canonical_alias'),
  )
  const kept = new Set([joining, ...(isNamed ? [] : await heroes(read, roomNid, joining))])
  const members = await views.members(roomNid, [...kept], position - 1)
  const state = new Map<string, number>()
  for (const { type, stateKey, nid } of [...others, ...members]) state.set(stateMapKey(type, stateKey), nid)
  for (const { type, stateKey, nid } of deltas) {
    if (type === 'm.room.member' && !kept.has(stateKey)) continue
    if (nid === undefined) state.delete(stateMapKey(type, stateKey))
    else state.set(stateMapKey(type, stateKey), nid)
  }
  return [...state.values()]
}

/** Those by whom the joining server calls a room without a name, as `/sync` has them in `m.heroes`. */
const heroes = async ({ memberships }: RoomReaders, roomNid: number, joining: string): Promise<string[]> => {
  const others = async (those: readonly Membership[]): Promise<string[]> =>
    (await memberships.first(roomNid, those, HEROES + 1)).filter(userId => userId !== joining)
  const present = await others(['join', 'invite'])
  // "When no joined or invited members are available, this should consist of the banned and left users."
  return (present.length > 0 ? present : await others(['leave', 'ban'])).slice(0, HEROES)
}
