import { stateMapKey } from '../../core/event/event.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StateEntry } from '../../storage/rooms/state.ts'
import type { Sight } from '../rooms/room-sight.ts'
import { BEGINNING, collect } from '../rooms/timeline.ts'
import type { EventSpan, SyncRequest } from './sync-request.ts'

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 500

/** The newest events of a room in a span, oldest first. */
export interface Timeline {
  readonly events: readonly StoredEvent[]
  /** Something was left out between the span's beginning and the first event. */
  readonly limited: boolean
  /** The position just before the first event: where `/messages` goes on backwards. */
  readonly before: number
}

/** Reads the timeline of one room for a sync. */
export const readTimeline = async (
  read: RoomReaders,
  roomNid: number,
  span: EventSpan,
  request: SyncRequest,
  sight: Sight,
): Promise<Timeline> => {
  const { timeline: filter } = request.filter
  const limit = Math.min(Math.max(filter.limit ?? DEFAULT_LIMIT, 0), MAX_LIMIT)
  if (limit === 0 || filter.nothing) return { events: [], limited: false, before: span.after ?? span.upTo }
  const wanted = {
    limit: limit + 1,
    passes: (stored: StoredEvent): boolean => filter.matches(stored.event) && sight.sees(stored),
  }
  const from = { direction: 'b', from: span.upTo, to: span.after ?? BEGINNING } as const
  const { events, exhausted, next } = await collect(read, roomNid, from, wanted)
  const more = events.length > limit
  const kept = events.slice(0, limit).reverse()
  const limited = more || !exhausted
  if (!limited)
    return { events: kept, limited: false, before: span.after ?? (kept[0]?.position ?? next + 1) - 1 }
  return { events: kept, limited, before: (kept[0]?.position ?? next + 1) - 1 }
}

/**
 * The state changes of a room that a client cannot know from the timeline: those before it, and those that come with
 * no event of their own (when forks of the room merge). With `stateAfter`, all changes up to the timeline's end.
 */
export const stateDelta = async (
  read: RoomReaders,
  roomNid: number,
  span: { readonly after: number; readonly upTo: number },
  timeline: Timeline,
  stateAfter: boolean,
): Promise<StateEntry[]> => {
  const shown = new Set(timeline.events.map(stored => stored.nid))
  const latest = new Map<string, StateEntry>()
  for (const change of await read.state.changes(roomNid, span.after, span.upTo)) {
    const told = change.position > timeline.before && shown.has(change.nid)
    if (stateAfter || !told) latest.set(stateMapKey(change.type, change.stateKey), change)
  }
  return [...latest.values()]
}

/** The whole state at the start of the timeline or, with `stateAfter`, at its end. */
export const wholeState = (
  read: RoomReaders,
  roomNid: number,
  upTo: number,
  timeline: Timeline,
  stateAfter: boolean,
): Promise<StateEntry[]> => {
  const first = timeline.events[0]?.position
  return read.state.at(roomNid, stateAfter || first === undefined ? upTo : first - 1)
}
