import { SEARCHED_TYPES } from '../../core/searched-text.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { MessageHit } from '../../storage/rooms/message-index.ts'
import type { Sight, Sights } from '../rooms/room-sight.ts'
import type { GroupKey } from './search-token.ts'

/** What may be found, in the order asked for; whether each may be shown is to be checked when it is loaded. */
export interface Candidates {
  readonly hits: readonly MessageHit[]
  readonly sights: ReadonlyMap<number, Sight>
  /** Room IDs by nid. */
  readonly rooms: ReadonlyMap<number, string>
}

/** What is looked for. */
export interface CandidateQuery {
  readonly userId: string
  readonly phrases: readonly (readonly string[])[]
  readonly keys: readonly (keyof typeof SEARCHED_TYPES)[]
  readonly order: 'rank' | 'recent'
  readonly matchesRoom: (roomId: string) => boolean
  readonly upToNid: number
  readonly group?: { readonly key: GroupKey; readonly value: string } | undefined
}

/** The newest so many events with the words of a search are ranked; older ones are not found. */
const MAX_HITS = 2_000

/** Asks the index, in the rooms that the searcher has been in, about what they may have seen there. */
export const findCandidates = async (
  read: RoomReaders,
  sights: Sights,
  query: CandidateQuery,
): Promise<Candidates> => {
  const { userId, group } = query
  const rows = await read.memberships.ofUser(userId, ['join', 'leave', 'ban'])
  const inGroup = (roomId: string): boolean => group?.key !== 'room_id' || group.value === roomId
  const rooms = new Map(
    rows
      .filter(row => !row.forgotten && query.matchesRoom(row.roomId) && inGroup(row.roomId))
      .map(row => [row.roomNid, row.roomId]),
  )
  if (rooms.size === 0 || query.phrases.length === 0) return { hits: [], sights: new Map(), rooms }
  const found = await read.messages.search({
    phrases: query.phrases,
    roomNids: [...rooms.keys()],
    types: query.keys.map(key => SEARCHED_TYPES[key]),
    upToNid: query.upToNid,
    limit: MAX_HITS,
  })
  const ofRooms = new Map<number, Sight>()
  for (const roomNid of new Set(found.map(hit => hit.roomNid))) {
    // "The search will not include rooms that are end to end encrypted."
    if ((await read.state.point(roomNid, 'm.room.encryption', '')) !== undefined) continue
    ofRooms.set(roomNid, await sights.of(roomNid, userId))
  }
  const hits = found
    .filter(hit => group?.key !== 'sender' || group.value === hit.sender)
    .filter(({ roomNid, position }) => isWithin(ofRooms.get(roomNid), position))
    .toSorted(query.order === 'recent' ? byTime : byScore)
  return { hits, sights: ofRooms, rooms }
}

const isWithin = (sight: Sight | undefined, position: number): boolean =>
  sight?.ranges.some(({ from, to }) => from <= position && position <= to) ?? false

const byTime = (a: MessageHit, b: MessageHit): number => b.position - a.position

const byScore = (a: MessageHit, b: MessageHit): number => b.score - a.score || byTime(a, b)
