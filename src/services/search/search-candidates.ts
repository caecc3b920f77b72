import type { RoomEventFilter } from '../../core/filter.ts'
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
  /** The newest event with the words, seen or not: the next page of the search asks from there on, and is told the same. */
  readonly newest: number
}

/** What is looked for. */
export interface CandidateQuery {
  readonly userId: string
  readonly phrases: readonly (readonly string[])[]
  readonly keys: readonly (keyof typeof SEARCHED_TYPES)[]
  readonly filter: Pick<RoomEventFilter, 'matchesRoom' | 'matchesType' | 'matchesHead'>
  readonly order: 'rank' | 'recent'
  readonly upToNid: number
  readonly group?: { readonly key: GroupKey; readonly value: string } | undefined
}

/** The newest so many events with the words of a search are ranked; older ones are not found. */
const MAX_HITS = 2_000
/** So often it is asked for older ones, where the searcher may see few of the newest. */
const MAX_ROUNDS = 4
/** A room that takes so much of a round without anything to be seen has no part in the next, where there are others. */
const CROWDED = 0.1

/** Asks the index, in the rooms that the searcher has been in, about what they may have seen there. */
export const findCandidates = async (
  read: RoomReaders,
  sights: Sights,
  query: CandidateQuery,
  maxHits = MAX_HITS,
): Promise<Candidates> => {
  const { userId, group, filter } = query
  const types = query.keys.map(key => SEARCHED_TYPES[key]).filter(type => filter.matchesType(type))
  const isWanted = ({ sender }: MessageHit): boolean => types.some(type => filter.matchesHead(type, sender))
  const rows = await read.memberships.ofUser(userId, ['join', 'leave', 'ban'])
  const inGroup = (roomId: string): boolean => group?.key !== 'room_id' || group.value === roomId
  const rooms = new Map(
    rows
      .filter(row => !row.forgotten && filter.matchesRoom(row.roomId) && inGroup(row.roomId))
      .map(row => [row.roomNid, row.roomId]),
  )
  const ofRooms = new Map<number, Sight>()
  const encrypted = new Set<number>()
  const look = async (roomNid: number): Promise<void> => {
    if (ofRooms.has(roomNid) || encrypted.has(roomNid)) return
    // "The search will not include rooms that are end to end encrypted."
    if ((await read.state.point(roomNid, 'm.room.encryption', '')) !== undefined) encrypted.add(roomNid)
    else ofRooms.set(roomNid, await sights.of(roomNid, userId))
  }
  const asked = new Set(query.phrases.length === 0 || types.length === 0 ? [] : rooms.keys())
  const within: MessageHit[] = []
  let upToNid = query.upToNid
  let newest = 0
  for (let round = 0; round < MAX_ROUNDS && asked.size > 0; round++) {
    const found = await read.messages.search({
      phrases: query.phrases,
      roomNids: [...asked],
      ...{ types, upToNid, limit: maxHits },
    })
    newest = found.reduce((greatest, { nid }) => Math.max(greatest, nid), newest)
    for (const [roomNid, hits] of Map.groupBy(found, hit => hit.roomNid)) {
      await look(roomNid)
      const seen = hits.filter(({ position }) => isWithin(ofRooms.get(roomNid), position))
      within.push(...seen.filter(isWanted))
      // What the searcher may see may still come: they have left it long ago.
      const isLast = asked.size === 1 && !encrypted.has(roomNid)
      if (seen.length === 0 && hits.length >= maxHits * CROWDED && !isLast) asked.delete(roomNid)
    }
    if (found.length < maxHits || within.length >= maxHits) break
    upToNid = found.reduce((least, { nid }) => Math.min(least, nid), upToNid) - 1
  }
  const hits = within
    .filter(hit => group?.key !== 'sender' || group.value === hit.sender)
    .toSorted(query.order === 'recent' ? byTime : byScore)
  return { hits, sights: ofRooms, rooms, newest }
}

const isWithin = (sight: Sight | undefined, position: number): boolean =>
  sight?.ranges.some(({ from, to }) => from <= position && position <= to) ?? false

const byTime = (a: MessageHit, b: MessageHit): number => b.position - a.position

const byScore = (a: MessageHit, b: MessageHit): number => b.score - a.score || byTime(a, b)
