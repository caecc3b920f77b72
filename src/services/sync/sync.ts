import { MatrixError } from '../../core/errors.ts'
import { syncFilter } from '../../core/filter.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import {
  formatStreamToken,
  parseStreamToken,
  type StreamToken,
  type SyncStream,
} from '../../core/stream-token.ts'
import type { Database } from '../../storage/database.ts'
import type { Requester } from '../requester.ts'
import type { Notifier } from './notifier.ts'
import type { RoomWatch } from './room-watch.ts'
import type { RoomsStream, RoomTexts } from './rooms-stream.ts'
import type { SyncRequest } from './sync-request.ts'
import type { News, RoomExtras, SyncSource } from './sync-source.ts'

/** `GET /sync` as it was asked. */
export interface SyncQuery {
  readonly filter?: string | undefined
  readonly since?: string | undefined
  readonly fullState: boolean
  readonly timeoutMs: number
  readonly stateAfter: SyncRequest['stateAfter']
}

/** A stored filter of a user. Throws `M_NOT_FOUND`. */
export type StoredFilter = (userId: string, filterId: string) => Promise<JsonObject>

/** The longest that a client may wait, whatever it asks for: proxies and clients give up before. */
const MAX_TIMEOUT_MS = 120_000

/** Where each stream stands. */
type Positions = StreamToken & Required<Pick<StreamToken, 'events' | 'invites'>>

/**
 * `/sync`. Each stream says what is new for the user between two positions; a token is the positions that a response
 * ends at. Work is proportional to what changed for the user.
 */
export class Sync {
  readonly #db: Database
  readonly #watch: RoomWatch
  readonly #notifier: Notifier
  readonly #rooms: RoomsStream
  readonly #sources: readonly SyncSource[]
  readonly #storedFilter: StoredFilter
  readonly #ready: () => Promise<void>

  constructor(parts: {
    db: Database
    watch: RoomWatch
    notifier: Notifier
    rooms: RoomsStream
    sources: readonly SyncSource[]
    storedFilter: StoredFilter
    /** Resolves once all that is committed now can be told. */
    ready: () => Promise<void>
  }) {
    this.#db = parts.db
    this.#watch = parts.watch
    this.#notifier = parts.notifier
    this.#rooms = parts.rooms
    this.#sources = parts.sources
    this.#storedFilter = parts.storedFilter
    this.#ready = parts.ready
  }

  /**
   * The response as JSON text: at once if there is news (or `since`, or a wait, was not asked for), else as soon as
   * there is, at the latest after the time-out.
   *
   * Throws `M_INVALID_PARAM` for a token that is not this server's and for a bad filter.
   */
  async sync(requester: Requester, query: SyncQuery, signal: AbortSignal): Promise<string> {
    const since = query.since === undefined ? undefined : parseStreamToken(query.since)
    if (query.since !== undefined && since === undefined) {
      throw new MatrixError('M_INVALID_PARAM', 'since is not a token of this server')
    }
    const { fullState, stateAfter } = query
    const filter = syncFilter(await this.#filter(requester.userId, query.filter))
    const request: SyncRequest = { requester, filter, fullState, stateAfter }
    const deadline = this.#notifier.now() + Math.min(Math.max(query.timeoutMs, 0), MAX_TIMEOUT_MS)
    const mayWait = since !== undefined && !fullState
    await this.#ready()
    // Who watches is kept up to date from here on, so that nothing is missed between looking and waiting.
    await this.#watch.joinedRooms(requester.userId)
    for (;;) {
      const wait = mayWait ? this.#notifier.wait(requester.userId, deadline, signal) : undefined
      try {
        const upTo = this.#now()
        const response = await this.#response(request, since, upTo)
        const over = this.#notifier.now() >= deadline || signal.aborted || this.#notifier.isClosed
        if (!response.isEmpty || wait === undefined || over) return response.text
        await wait.woken
      } finally {
        wait?.cancel()
      }
    }
  }

  /** Where everything is that can be told now. */
  #now(): Positions {
    return {
      events: this.#watch.position,
      invites: this.#db.position('invites'),
      ...Object.fromEntries(this.#sources.map(source => [source.stream, source.position()])),
    }
  }

  async #response(
    request: SyncRequest,
    since: StreamToken | undefined,
    upTo: Positions,
  ): Promise<{ text: string; isEmpty: boolean }> {
    const after = (stream: SyncStream): number | undefined =>
      since === undefined ? undefined : (since[stream] ?? 0)
    const span = {
      events: { after: after('events'), upTo: upTo.events },
      invites: { after: after('invites'), upTo: upTo.invites },
    }
    const news = await Promise.all(
      this.#sources.map(source =>
        source.news(request, after(source.stream), upTo[source.stream] ?? source.position(), span.events),
      ),
    )
    const reached = this.#sources.flatMap(({ stream }, index) => {
      const end = news[index]?.upTo
      return end === undefined ? [] : [[stream, end] as const]
    })
    const rooms = await this.#rooms.texts(request, span, extrasByRoom(news))
    const parts = [...topMembers(news), ...roomsPart(rooms)]
    const always = [
      `"next_batch":"${formatStreamToken({ ...since, ...upTo, ...Object.fromEntries(reached) })}"`,
      ...news.flatMap(({ always = [] }) => always),
    ]
    return { text: `{${[...always, ...parts].join(',')}}`, isEmpty: parts.length === 0 }
  }

  async #filter(userId: string, text: string | undefined): Promise<JsonObject> {
    if (text === undefined) return {}
    // "If the first character is {, it is a JSON filter definition, otherwise the ID of a stored filter."
    if (!text.startsWith('{')) return this.#storedFilter(userId, text)
    let filter: unknown
    try {
      filter = JSON.parse(text)
    } catch {
      filter = undefined
    }
    if (!isJsonObject(filter)) throw new MatrixError('M_INVALID_PARAM', 'filter is not valid JSON')
    return filter
  }
}

/** What all sources have to say about each room. */
const extrasByRoom = (news: readonly News[]): Map<string, RoomExtras> => {
  const rooms = new Map<string, RoomExtras>()
  for (const { rooms: told = [] } of news) {
    for (const [roomId, { accountData = [], ephemeral = [] }] of told) {
      const before = rooms.get(roomId)
      rooms.set(roomId, {
        accountData: [...(before?.accountData ?? []), ...accountData],
        ephemeral: [...(before?.ephemeral ?? []), ...ephemeral],
      })
    }
  }
  return rooms
}

/** The members of a response that are not about rooms. */
const topMembers = (news: readonly News[]): string[] => {
  const events = new Map<string, string[]>()
  for (const { events: told = [] } of news) {
    for (const [name, texts] of told) events.set(name, [...(events.get(name) ?? []), ...texts])
  }
  return [
    ...[...events].flatMap(([name, texts]) =>
      texts.length === 0 ? [] : [`"${name}":{"events":[${texts.join(',')}]}`],
    ),
    ...news.flatMap(({ members = [] }) => members),
  ]
}

const roomsPart = (rooms: RoomTexts): string[] => {
  const sections = (['join', 'invite', 'knock', 'leave'] as const).flatMap(name => {
    const entries = [...rooms[name]].map(([roomId, text]) => `${JSON.stringify(roomId)}:${text}`)
    return entries.length === 0 ? [] : [`"${name}":{${entries.join(',')}}`]
  })
  return sections.length === 0 ? [] : [`"rooms":{${sections.join(',')}}`]
}
