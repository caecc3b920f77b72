import { stateMapKey } from '../../core/event/event.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { StateChangeAt } from '../../storage/rooms/state-views.ts'
import { type Answer, andThen } from '../answer.ts'
import { membershipOf } from '../rooms/room-head.ts'
import { type ForkState, presentSight, type Sight, type Sights } from '../rooms/room-sight.ts'
import { BEGINNING, type Stretch, type Timelines } from '../rooms/timeline.ts'
import type { EventSpan, SyncRequest } from './sync-request.ts'

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 500

/** The newest events of a room in a span, oldest first. */
export interface RoomTimeline {
  readonly events: readonly StoredEvent[]
  /** As in `Stretch`. */
  readonly forks: ReadonlyMap<number, ForkState>
  /** Something was left out between the span's beginning and the first event. */
  readonly limited: boolean
  /** The position just before the first event: where `/messages` goes on backwards. */
  readonly before: number
  /** Events were left to `/messages` that would have misled the client. */
  readonly isCut?: boolean
  /** As much of the user's sight as had to be known. */
  readonly sight: Sight
}

/** What is known of a user's place in a room. */
export interface Place {
  /** Joined since this position, without any change; `undefined` if that is not sure. */
  readonly joinedAt?: number | undefined
  readonly sight?: Sight | undefined
}

/**
 * Clients take the last state event of a timeline for what holds (unless they are given `state_after`). Where that is
 * not so, because what replaced it is filtered out or hidden, or because state resolution decided otherwise, the timeline
 * begins after that event, so that the client finds it in `/messages` where it changes no state.
 *
 * @param changes of the room's state, at least from the timeline's first event on
 */
export const withoutMisleading = (
  timeline: RoomTimeline,
  changes: readonly StateChangeAt[],
): RoomTimeline => {
  const holding = new Map(changes.map(change => [stateMapKey(change.type, change.stateKey), change.nid]))
  const checked = new Set<string>()
  const wrong = timeline.events.findLastIndex(({ event, nid }) => {
    if (event.stateKey === undefined) return false
    const key = stateMapKey(event.type, event.stateKey)
    if (checked.has(key)) return false
    checked.add(key)
    return holding.get(key) !== nid
  })
  if (wrong === -1) return timeline
  return beginningAfter(timeline, wrong, timeline.events[wrong]?.position ?? timeline.before)
}

/**
 * How an invitation, a knock or a ban has ended was told by itself, and stands in the client's timeline next to what it was shown before,
 * whatever came in between. So it is with how a stay has ended, where much was left out before: clients heed `limited` only in rooms
 * that they are in. They take an event that they have for the place where a timeline goes on from theirs, and would never ask for
 * what lies between. So the timeline of whoever comes in begins after it.
 *
 * @param since where the client's last response ended
 */
export const afterToldEnd = (timeline: RoomTimeline, userId: string, since: number): RoomTimeline => {
  const { events } = timeline
  const last = events.findLastIndex(
    ({ event, position = 0 }) =>
      position <= since &&
      event.type === 'm.room.member' &&
      event.stateKey === userId &&
      ENDS.has(membershipOf(event)),
  )
  const position = events[last]?.position
  return position === undefined ? timeline : beginningAfter(timeline, last, position)
}

const ENDS: ReadonlySet<unknown> = new Set(['leave', 'ban'])

const beginningAfter = (timeline: RoomTimeline, index: number, before: number): RoomTimeline => ({
  ...timeline,
  ...{ events: timeline.events.slice(index + 1), limited: true, isCut: true, before },
})

/** Reads the timelines of rooms for a sync. */
export class RoomTimelines {
  readonly #timelines: Timelines
  readonly #sights: Sights

  constructor(timelines: Timelines, sights: Sights) {
    this.#timelines = timelines
    this.#sights = sights
  }

  read(
    request: SyncRequest,
    room: { readonly roomNid: number; readonly roomId: string },
    span: EventSpan,
    place: Place,
  ): Answer<RoomTimeline> {
    const { timeline: filter } = request.filter
    const limit = Math.min(filter.limit ?? DEFAULT_LIMIT, MAX_LIMIT)
    if (!filter.matchesRoom(room.roomId)) {
      const sight = place.sight ?? presentSight(span.upTo + 1)
      return { events: [], forks: new Map(), limited: false, before: span.after ?? span.upTo, sight }
    }
    // One more than wanted tells whether something is left out.
    const collected = this.#collect(request, room.roomNid, span, place, limit + 1)
    return andThen(collected, one => timelineOf(one, span, limit))
  }

  /** What came since the user joined they see, so that their history in the room matters only further back. */
  #collect(
    { requester, filter, ignored, missed }: SyncRequest,
    roomNid: number,
    span: EventSpan,
    { joinedAt, sight: given }: Place,
    limit: number,
  ): Answer<Collected> {
    const { userId } = requester
    const to = span.after ?? BEGINNING
    const wanted = {
      ...{ userId, filter: filter.timeline, ignored, limit },
      missed: span.after === undefined ? undefined : missed,
    }
    const all = { direction: 'b', from: span.upTo, to } as const
    const seenBy = (sight: Sight): Answer<Collected> =>
      andThen(this.#timelines.collect(roomNid, all, { ...wanted, sight }), found => ({ found, sight }))
    const seen = (): Answer<Collected> => andThen(given ?? this.#sights.of(roomNid, userId), seenBy)
    if (given !== undefined || joinedAt === undefined || joinedAt > span.upTo) return seen()
    return andThen(seenBy(presentSight(joinedAt)), collected => {
      const { exhausted, forks } = collected.found
      const isAll = joinedAt <= to + 1 || !exhausted
      return isAll && forks.size === 0 ? collected : seen()
    })
  }
}

/** What was found of a stretch, newest first, and by which sight. */
interface Collected {
  readonly found: Stretch
  readonly sight: Sight
}

/** @param limit how many events are told; one more was looked for */
const timelineOf = ({ found, sight }: Collected, span: EventSpan, limit: number): RoomTimeline => {
  const events = found.events.slice(0, limit).reverse()
  const limited = found.events.length > limit || !found.exhausted
  const first = events[0]?.position
  const before = first === undefined ? (limit === 0 ? span.upTo : found.next) : first - 1
  return { events, forks: found.forks, limited, before: limited ? before : (span.after ?? before), sight }
}
