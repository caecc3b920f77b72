import { type HistoryVisibility, historyVisibilityOf, mayUserSee } from '../../core/history-visibility.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import { membershipOf } from './room-head.ts'

/** What one user may see of one room. */
export interface Sight {
  /** Whether the user may see an event of the timeline (client-server API, "Room History Visibility"). */
  sees(stored: StoredEvent): boolean
  /** The user's membership right after the event at a position; `undefined` if there was none. */
  membershipAt(position: number): Membership | undefined
}

/** A value that held from a position (inclusive) to another (exclusive). */
export interface Span<T> {
  readonly from: number
  readonly to: number | undefined
  readonly value: T
}

/** Loads what decides about a user's sight of a room: a few rows, however long the room's history is. */
export const sightOf = async (read: RoomReaders, roomNid: number, userId: string): Promise<Sight> => {
  const [visibilities, memberships] = await Promise.all([
    spans(read, roomNid, 'm.room.history_visibility', '', stored => historyVisibilityOf(stored.event)),
    spans(read, roomNid, 'm.room.member', userId, stored => membershipOf(stored.event)),
  ])
  return {
    membershipAt: position => at(memberships, position),
    sees: stored => {
      const { position } = stored
      if (position === undefined) return false
      const own = stored.event.type === 'm.room.member' && stored.event.stateKey === userId
      const before = visibilityAt(visibilities, position - 1)
      return mayUserSee({
        visibilityAt: { before, after: visibilityAt(visibilities, position) },
        membershipAt: own
          ? { before: at(memberships, position - 1), after: membershipOf(stored.event) }
          : { before: at(memberships, position - 1) },
        joinedSince: memberships.some(
          ({ value, to }) => value === 'join' && (to === undefined || to > position),
        ),
      })
    },
  }
}

/** Everything that a point of the room's state has been. */
export const spans = async <T>(
  read: RoomReaders,
  roomNid: number,
  type: string,
  stateKey: string,
  value: (stored: StoredEvent) => T,
): Promise<Span<T>[]> => {
  const history = await read.state.history(roomNid, type, stateKey)
  const events = new Map((await read.events.byNids(history.map(span => span.nid))).map(one => [one.nid, one]))
  return history.flatMap(({ nid, from, to }) => {
    const stored = events.get(nid)
    return stored === undefined ? [] : [{ from, to, value: value(stored) }]
  })
}

/** What held at a position. */
export const at = <T>(all: readonly Span<T>[], position: number): T | undefined =>
  all.find(({ from, to }) => from <= position && (to === undefined || position < to))?.value

/** History from before this server knew the room was sent under what held when it came to know it. */
export const visibilityAt = (
  all: readonly Span<HistoryVisibility>[],
  position: number,
): HistoryVisibility => {
  const [first] = all
  if (first !== undefined && position < 0 && first.from > 0) return first.value
  return at(all, position) ?? 'shared'
}
