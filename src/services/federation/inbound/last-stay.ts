import type { ServerMembershipReader } from '../../../storage/federation/server-memberships.ts'
import type { RoomReaders } from '../../../storage/rooms/index.ts'
import { membershipOf } from '../../rooms/room-head.ts'

/** So many member events are loaded at a time: of a large server they are tens of thousands. */
const AT_ONCE = 100

/**
 * When a server that is out of a room was in it last.
 *
 * @returns the position of the event that put its last user out, before which somebody of it was joined still; `undefined` if nobody
 *   ever was, as far as is known here
 */
export const endOfLastStay = async (
  { events }: Pick<RoomReaders, 'events'>,
  members: ServerMembershipReader,
  roomNid: number,
  host: string,
): Promise<number | undefined> => {
  const ended = (await members.history(roomNid, host))
    .flatMap(({ nid, to }) => (to === undefined ? [] : { nid, to }))
    .toSorted((a, b) => b.to - a.to)
  for (let start = 0; start < ended.length; start += AT_ONCE) {
    const some = ended.slice(start, start + AT_ONCE)
    const joins = new Set(
      (await events.byNids(some.map(({ nid }) => nid)))
        .filter(({ event }) => membershipOf(event) === 'join')
        .map(({ nid }) => nid),
    )
    const last = some.find(({ nid }) => joins.has(nid))
    if (last !== undefined) return last.to
  }
  return undefined
}
