import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Extremity } from '../../storage/rooms/rooms.ts'
import type { Placement } from './append.ts'
import { type PendingEvent, resolveStates } from './resolve.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { type RoomState, stateAfter } from './state-at.ts'
import { NO_DIFFERENCE, overlayOf, overlayOfState, withMembersOf } from './state-overlay.ts'

/** Ends of a room's graph that stay beside a join by which the room is described anew. */
export interface OtherEnds {
  readonly ends: readonly Extremity[]
  /** The state after each; and whether it lacks members, of whom nothing else is known then. */
  readonly states: readonly { readonly state: RoomState; readonly lacksMembers: boolean }[]
}

/** Those of a head's ends that have these IDs. The head must be that of the database. */
export const otherEnds = async (
  { read }: RoomsContext,
  head: RoomHead,
  eventIds: readonly string[],
): Promise<OtherEnds> => {
  const ends = head.extremities.filter(({ eventId }) => eventIds.includes(eventId))
  const events = await read.events.byNids(ends.map(end => end.nid))
  const isPartial = head.partial !== undefined
  const stateOf = async (stored: StoredEvent) => ({
    state: await stateAfter(read, stored),
    lacksMembers: isPartial || head.lacksMembersBefore(stored),
  })
  return { ends, states: await Promise.all(events.map(stateOf)) }
}

/**
 * Where a join beside other ends leaves the room: "the current state of the room is the resolution of the states after its
 * forward extremities". A room that lacks members is resolved once it has them.
 *
 * @param head has the state before the join
 */
export const besideOtherEnds = async (
  context: RoomsContext,
  head: RoomHead,
  join: PendingEvent,
  { ends, states, lacksMembers }: OtherEnds & { readonly lacksMembers: boolean },
): Promise<Pick<Placement, 'stateChanges' | 'extremities'>> => {
  if (ends.length === 0) return {}
  const { nid, generation, event } = join
  const { type, stateKey = '', eventId, depth } = event
  const extremities = () => [{ nid, eventId, depth }, ...ends]
  if (lacksMembers) return { extremities }
  const own = overlayOf(head, [{ type, stateKey, nid, eventId, generation }])
  const others = states.map(one => {
    const overlay = overlayOfState(head, one.state)
    return one.lacksMembers ? withMembersOf(head, overlay, NO_DIFFERENCE) : overlay
  })
  const after = await resolveStates(context, head, [own, ...others], join)
  return { extremities, stateChanges: [...after.values()] }
}
