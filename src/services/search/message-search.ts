import type { RoomEventFilter } from '../../core/filter.ts'
import { isCharacterToken, searchPhrases } from '../../core/search-text.ts'
import type { SEARCHED_TYPES } from '../../core/searched-text.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { MessageHit } from '../../storage/rooms/message-index.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import type { RoomReading } from '../rooms/room-reading.ts'
import type { RoomViews } from '../rooms/room-views.ts'
import { passes } from '../rooms/timeline.ts'
import { type Candidates, findCandidates } from './search-candidates.ts'
import { type ContextRequest, SearchContexts } from './search-context.ts'
import { formatSearchToken, type GroupKey, parseSearchToken, type SearchPlace } from './search-token.ts'

/** What a user looks for in their rooms. */
export interface SearchRequest {
  readonly term: string
  readonly keys: readonly (keyof typeof SEARCHED_TYPES)[]
  readonly filter: RoomEventFilter
  readonly order: 'rank' | 'recent'
  readonly context: ContextRequest | undefined
  /** Whether the rooms' states are wanted along with the results. */
  readonly includeState: boolean
  readonly groupBy: readonly GroupKey[]
  readonly nextBatch: string | undefined
}

interface Result {
  readonly hit: MessageHit
  readonly stored: StoredEvent
}

/** Results of one page, and how far the candidates were gone through. */
interface ResultPage {
  readonly results: readonly Result[]
  readonly end: number
}

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 100
const BATCH = 50
/** Results and what surrounds them in one answer, in characters; the first is always there. */
const MAX_LENGTH = 8 * 1024 * 1024

/** Full-text search in the rooms that a user has been in (module "Server Side Search"). */
export class MessageSearch {
  readonly #read: RoomReaders
  readonly #views: RoomViews
  readonly #clientEvents: ClientEvents
  readonly #roomReading: RoomReading
  readonly #contexts: SearchContexts

  constructor(parts: {
    read: RoomReaders
    views: RoomViews
    clientEvents: ClientEvents
    roomReading: RoomReading
  }) {
    this.#read = parts.read
    this.#views = parts.views
    this.#clientEvents = parts.clientEvents
    this.#roomReading = parts.roomReading
    this.#contexts = new SearchContexts(parts)
  }

  /** The results under `room_events`, as JSON text. Throws `M_INVALID_PARAM` (token). */
  async search(requester: Requester, request: SearchRequest): Promise<string> {
    const { userId } = requester
    const asked = request.nextBatch === undefined ? undefined : parseSearchToken(request.nextBatch)
    const phrases = searchPhrases(request.term)
    const candidates = await findCandidates(this.#read, this.#views.sights, {
      ...{ userId, phrases, keys: request.keys, order: request.order, group: asked?.group },
      filter: request.filter,
      upToNid: asked?.upToNid ?? Number.MAX_SAFE_INTEGER,
    })
    const place: SearchPlace = asked ?? { upToNid: candidates.newest, offset: 0 }
    const found = await this.#page(userId, request, candidates, place.offset)
    const { texts, page } = await this.#told(requester, request, candidates, found)
    const parts = [
      // An estimate: of some it turns out only now that they do not count.
      `"count":${candidates.hits.length}`,
      `"highlights":${JSON.stringify(highlightsOf(phrases))}`,
      `"results":[${texts.join(',')}]`,
      ...groupsPart(request.groupBy, candidates, page, place),
      ...(page.end < candidates.hits.length
        ? [`"next_batch":"${formatSearchToken({ ...place, offset: page.end })}"`]
        : []),
      ...(request.includeState ? [await this.#states(requester, candidates, page.results)] : []),
    ]
    return `{${parts.join(',')}}`
  }

  /** Loads candidates in their order until enough may be shown. */
  async #page(
    userId: string,
    { filter }: SearchRequest,
    { hits, sights }: Candidates,
    offset: number,
  ): Promise<ResultPage> {
    const limit = Math.min(Math.max(filter.limit ?? DEFAULT_LIMIT, 1), MAX_LIMIT)
    const ignored = await this.#views.ignoredUsers.of(userId)
    const results: Result[] = []
    for (let start = offset; start < hits.length; start += BATCH) {
      const batch = hits.slice(start, start + BATCH)
      const events = await this.#read.events.byNids(batch.map(hit => hit.nid))
      const byNid = new Map(events.map(stored => [stored.nid, stored]))
      const forks = await this.#views.sights.forks([...byNid.keys()], userId)
      for (const [index, hit] of batch.entries()) {
        const stored = byNid.get(hit.nid)
        if (stored === undefined || stored.redactedBy !== undefined || !passes(filter, stored)) continue
        if (stored.event.stateKey === undefined && ignored.has(stored.event.sender)) continue
        const sight = sights.get(hit.roomNid)
        if (sight?.sees(stored, forks.get(hit.nid)) !== true) continue
        const seen = await this.#clientEvents.asSeen(stored, { userId, deviceId: undefined, sight })
        if (seen.redactedBy !== undefined) continue
        if (results.length === limit) return { results, end: start + index }
        results.push({ hit, stored })
      }
    }
    return { results, end: hits.length }
  }

  /** The results of a page as JSON texts, and as much of the page as goes into one answer. */
  async #told(
    requester: Requester,
    { context }: SearchRequest,
    { hits, sights }: Candidates,
    page: ResultPage,
  ): Promise<{ texts: string[]; page: ResultPage }> {
    const texts: string[] = []
    let length = 0
    for (const [index, { hit, stored }] of page.results.entries()) {
      const sight = sights.get(hit.roomNid)
      if (sight === undefined) continue
      if (length > MAX_LENGTH) {
        return { texts, page: { results: page.results.slice(0, index), end: hits.indexOf(hit) } }
      }
      const form = { roomId: true, bundle: 'all' } as const
      const [event = '{}'] = await this.#clientEvents.render([stored], { ...requester, sight }, form)
      const around =
        context === undefined
          ? ''
          : `,"context":${await this.#contexts.around(requester, stored, sight, context)}`
      const text = `{"rank":${hit.score},"result":${event}${around}}`
      texts.push(text)
      length += text.length
    }
    return { texts, page }
  }

  /**
   * "The current state for every room in the results", as far as the searcher may know it, and as it goes into one answer: clients
   * ask for that of a room that is larger by itself.
   */
  async #states(requester: Requester, { rooms }: Candidates, results: readonly Result[]): Promise<string> {
    const members: string[] = []
    let left = MAX_LENGTH
    for (const roomNid of new Set(results.map(({ hit }) => hit.roomNid))) {
      const roomId = rooms.get(roomNid) ?? ''
      const state = await this.#stateWithin(requester, roomId, left)
      if (state === undefined) continue
      members.push(`${JSON.stringify(roomId)}:[${state}]`)
      left -= state.length
    }
    return `"state":{${members.join(',')}}`
  }

  /** A room's state unless it is longer than that. */
  async #stateWithin(requester: Requester, roomId: string, length: number): Promise<string | undefined> {
    const texts: string[] = []
    let left = length
    const slices = await this.#roomReading.stateSlices(requester, roomId).catch(() => [])
    for await (const slice of slices) {
      texts.push(...slice)
      for (const text of slice) left -= text.length + 1
      if (left < 0) return undefined
    }
    return texts.join(',')
  }
}

/** What is to be marked in the results: the words looked for, those of scripts without spaces in one piece. */
const highlightsOf = (phrases: readonly (readonly string[])[]): string[] => [
  ...new Set(phrases.flatMap(tokens => (tokens.every(isCharacterToken) ? [tokens.join('')] : tokens))),
]

const groupsPart = (
  keys: readonly GroupKey[],
  candidates: Candidates,
  page: ResultPage,
  place: SearchPlace,
): string[] => {
  if (keys.length === 0) return []
  const groups = keys.map(key => [key, groupsOf(key, candidates, page, place)])
  return [`"groups":${JSON.stringify(Object.fromEntries(groups))}`]
}

/** The page's results by room or sender; each group says where it goes on, if there is more of it. */
const groupsOf = (
  key: GroupKey,
  { hits, rooms }: Candidates,
  { results, end }: ResultPage,
  place: SearchPlace,
) => {
  const groupOf = (hit: MessageHit): string =>
    key === 'sender' ? hit.sender : (rooms.get(hit.roomNid) ?? '')
  const grouped = Map.groupBy(results, ({ hit }) => groupOf(hit))
  return Object.fromEntries(
    [...grouped].map(([value, members], order) => {
      const before = hits.slice(0, end).filter(hit => groupOf(hit) === value).length
      // Within a group that was asked for, no other is gone on with.
      const hasMore = (place.group?.key ?? key) === key && hits.slice(end).some(hit => groupOf(hit) === value)
      const next = { upToNid: place.upToNid, offset: before, group: { key, value } }
      return [
        value,
        {
          order,
          results: members.map(({ stored }) => stored.event.eventId),
          ...(hasMore ? { next_batch: formatSearchToken(next) } : {}),
        },
      ]
    }),
  )
}
