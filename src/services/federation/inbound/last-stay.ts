import type { ServerMembershipReader } from '../../../storage/federation/server-memberships.ts'
import type { StoredEvent } from '../../../storage/rooms/events.ts'
import type { RoomReaders } from '../../../storage/rooms/index.ts'
import type { TimelineGap } from '../../../storage/rooms/timeline-gaps.ts'
import { membershipOf } from '../../rooms/room-head.ts'

/** So many member events are loaded at a time: of a large server they are tens of thousands. */
const AT_ONCE = 100

/** How far a server that is out of a room may look back into it. */
export interface LastStay {
  /**
   * The position of the last event before which somebody of it was joined still, as far as is known: mostly of the one that put its last
   * user out.
   */
  readonly until: number
  /** Positions of events that put its users out and came later than what was said after them. It was sent these as well. */
  readonly late: ReadonlySet<number>
}

/**
 * When a server that is out of a room was in it last.
 *
 * Where an event stands on a state that a peer has told, that state holds from its position on, and what put somebody out is missing
 * before it or has come by another way since. Then the stay ends where the gap begins, or with the event that ended it if that has
 * been found: how long into a gap the server was in the room is not known, and what is said above it was said without it.
 *
 * @returns the position of the last event before which somebody of it was joined still, as far as is known: mostly of the one that put
 *   its last user out; `undefined` if nobody ever was
 */
export const endOfLastStay = async (
  { events, gaps }: Pick<RoomReaders, 'events' | 'gaps'>,
  members: ServerMembershipReader,
  roomNid: number,
  host: string,
): Promise<LastStay | undefined> => {
  const history = await members.history(roomNid, host)
  const next = new Map(history.map(({ userId, from, nid }) => [`${from} ${userId}`, nid]))
  const ended = history
    .flatMap(({ userId, nid, to }) =>
      to === undefined ? [] : { nid, to, endedBy: next.get(`${to} ${userId}`) },
    )
    .toSorted((a, b) => b.to - a.to)
  let ofRoom: Promise<TimelineGap[]> | undefined
  const baseOfGap = async (position: number): Promise<number | undefined> => {
    ofRoom ??= gaps.ofRoom(roomNid)
    return (await ofRoom).find(({ base, top }) => base < position && position <= top)?.base
  }
  let last: number | undefined
  const late = new Set<number>()
  const stay = () => (last === undefined ? undefined : { until: last, late })
  for (let start = 0; start < ended.length; start += AT_ONCE) {
    const some = ended.slice(start, start + AT_ONCE)
    const nids = some.flatMap(({ nid, endedBy }) => (endedBy === undefined ? [nid] : [nid, endedBy]))
    const stored = new Map((await events.byNids(nids)).map(one => [one.nid, one]))
    for (const { nid, to, endedBy } of some) {
      if (last !== undefined && to <= last) return stay()
      const join = stored.get(nid)
      if (join === undefined || membershipOf(join.event) !== 'join') continue
      const ending = endedBy === undefined ? undefined : stored.get(endedBy)
      const { position } = ending ?? { position: undefined }
      const isFound = position !== undefined && position <= to
      if (position !== undefined && !isFound) late.add(position)
      const end = isFound
        ? position
        : ((await baseOfGap(to)) ??
          (ending === undefined ? to - 1 : await lastSeen(events, join, ending, to)))
      if (end !== undefined) last = Math.max(last ?? end, end)
    }
  }
  return stay()
}

/** The last that whoever had joined saw before an event that put them out, of what came before a position. */
const lastSeen = async (
  events: RoomReaders['events'],
  { position: joined }: StoredEvent,
  { event }: StoredEvent,
  before: number,
): Promise<number | undefined> => {
  const seen = [...(await events.byIds(event.prevEvents)).values()].flatMap(({ position }) =>
    position === undefined || position >= before ? [] : position,
  )
  return seen.reduce<number | undefined>((last, position) => Math.max(last ?? position, position), joined)
}
