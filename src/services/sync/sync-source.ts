import type { SyncStream } from '../../core/stream-token.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Answer } from '../answer.ts'
import type { EventSpan, SyncRequest } from './sync-request.ts'

/** What is new about a room that the user is in. An empty one has the room told for the sake of `roomMembers`. */
export interface RoomExtras {
  /** JSON texts of events. */
  readonly accountData?: readonly string[]
  /** JSON texts of events. */
  readonly ephemeral?: readonly string[]
  /** Sticky events: told where the timeline does not hold them. */
  readonly sticky?: readonly StoredEvent[]
}

/** What other streams have to say about rooms that the user is in, by room ID. */
export type ExtrasByRoom = ReadonlyMap<string, RoomExtras>

/** A room that a response tells of. */
export interface ToldRoom {
  readonly roomNid: number
  readonly roomId: string
  /** `after`: where the client stood that may have the room already, though it is told all of it. */
  readonly span?: { readonly after?: number | undefined } | undefined
}

/** What a source has to tell in one response. */
export interface News {
  /** JSON texts of events, by the member of the response that holds them: `account_data`, `presence`, `to_device`. */
  readonly events?: ReadonlyMap<string, readonly string[]>
  /** Further members of the response as JSON text, such as `"device_lists":{…}`. */
  readonly members?: readonly string[]
  /** By room ID. */
  readonly rooms?: ReadonlyMap<string, RoomExtras>
  /** The user has said anew whose invitations they want to see: of those that are pending some may not have been told. */
  readonly reviewsInvitations?: boolean
  /** How far this tells, where that is not all there is: the token ends here, and the rest comes next time. */
  readonly upTo?: number
}

export const NO_NEWS: News = {}

/**
 * One stream of `/sync` beside the timelines of rooms: a file each. `index.ts` lists them; whoever a source concerns
 * is woken by a `Follower` (streams of the database) or by `Notifier.wake` (what is kept in memory).
 */
export interface SyncSource {
  /** Its letter in tokens. */
  readonly stream: SyncStream
  /** Where it stands now: all that is not after this can be told. */
  position(): number
  /**
   * What there is for the user after one position (`undefined`: everything, for an initial sync) up to another.
   * Whoever is woken asks all sources, and most have nothing to tell: that should be known at once, from memory.
   * @param events the stretch of the `events` stream that goes with it
   */
  news(request: SyncRequest, after: number | undefined, upTo: number, events: EventSpan): Answer<News>
  /**
   * Where a client stands that was told of a position, for what is kept in memory alone: positions begin at the time of the start, and
   * after a restart with a clock that was set back the client would be ahead, and be told nothing.
   */
  readonly remembered?: (told: number) => number
  /** Members that go with every response and are no news: nobody is answered early for them. */
  always?(request: SyncRequest): Answer<readonly string[]>
  /**
   * All ephemeral events of a room of which the client knows nothing yet, as JSON texts. Where this is, `news` need not
   * tell of such rooms.
   */
  roomEphemeral?(request: SyncRequest, room: ToldRoom): Promise<readonly string[]>
  /** The same of a room's account data, for rooms that the user has joined since the client's last response. */
  roomAccountData?(request: SyncRequest, room: ToldRoom): Promise<readonly string[]>
  /** The same of a room's sticky events up to a position. */
  roomSticky?(request: SyncRequest, room: ToldRoom, upTo: number): Promise<readonly StoredEvent[]>
  /** Members that belong into the section of each joined room that is told, such as `"unread_notifications":{…}`. */
  roomMembers?(request: SyncRequest, roomNid: number): Answer<readonly string[]>
}

const NO_EXTRAS: ExtrasByRoom = new Map()

/** What all sources have to say about each room. */
export const extrasByRoom = (news: readonly News[]): ExtrasByRoom => {
  if (news.every(({ rooms }) => rooms === undefined)) return NO_EXTRAS
  const rooms = new Map<string, RoomExtras>()
  for (const { rooms: told } of news) {
    if (told === undefined) continue
    for (const [roomId, { accountData = [], ephemeral = [], sticky = [] }] of told) {
      const before = rooms.get(roomId)
      rooms.set(roomId, {
        accountData: [...(before?.accountData ?? []), ...accountData],
        ephemeral: [...(before?.ephemeral ?? []), ...ephemeral],
        sticky: [...(before?.sticky ?? []), ...sticky],
      })
    }
  }
  return rooms
}

/** The members of a response that are news and not about rooms, as JSON text. */
export const topMembers = (news: readonly News[]): string[] => {
  if (news.every(({ events, members }) => events === undefined && members === undefined)) return []
  const events = new Map<string, string[]>()
  for (const { events: told } of news) {
    if (told === undefined) continue
    for (const [name, texts] of told) events.set(name, [...(events.get(name) ?? []), ...texts])
  }
  return [
    ...[...events].flatMap(([name, texts]) =>
      texts.length === 0 ? [] : [`"${name}":{"events":[${texts.join(',')}]}`],
    ),
    ...news.flatMap(({ members = [] }) => members),
  ]
}
