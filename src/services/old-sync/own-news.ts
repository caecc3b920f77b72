import { syncFilter } from '../../core/filter.ts'
import type { StreamToken, SyncStream } from '../../core/stream-token.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { Requester } from '../requester.ts'
import type { RoomViews } from '../rooms/room-views.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { SyncStreams } from '../sync/room-sync.ts'
import type { SyncRequest } from '../sync/sync-request.ts'
import { extrasByRoom, type News } from '../sync/sync-source.ts'
import type { Chunk } from './event-stream.ts'
import type { RoomNews } from './room-news.ts'

/** Which streams of `/sync` are told beside the events of rooms: those that consist of events. */
const STREAMS = ['presence', 'account_data', 'receipts', 'typing'] as const satisfies SyncStream[]

const EVERYTHING = syncFilter({})

/** What a user had to listen to before `/sync`: events of their rooms, invitations, and what `STREAMS` say. */
export class OwnNews {
  readonly #context: RoomsContext
  readonly #views: RoomViews
  readonly #streams: SyncStreams
  readonly #rooms: RoomNews

  constructor(parts: { context: RoomsContext; views: RoomViews; streams: SyncStreams; rooms: RoomNews }) {
    this.#context = parts.context
    this.#views = parts.views
    this.#streams = parts.streams
    this.#rooms = parts.rooms
  }

  /** Where everything stands that is followed by now. */
  get now(): StreamToken {
    const { watch, invites } = this.#streams
    const positions = STREAMS.map(stream => [stream, this.#position(stream)] as const)
    return { events: watch.position, invites: invites.position, ...Object.fromEntries(positions) }
  }

  /** Resolves once all that is committed now can be told. */
  async ready(): Promise<void> {
    await this.#streams.ready()
    await this.#streams.notifier.caughtUp()
  }

  /** All there is, of the streams beside rooms: JSON texts of events, by the member of a response that they belong into. */
  async initial(
    requester: Requester,
  ): Promise<{ presence: readonly string[]; accountData: readonly string[] }> {
    const request = await this.#request(requester, undefined)
    const news = [
      ...(await this.#newsOf('presence', request, undefined)),
      ...(await this.#newsOf('account_data', request, undefined)),
    ]
    const of = (name: string) => news.flatMap(({ events }) => events?.get(name) ?? [])
    return { presence: of('presence'), accountData: of('account_data') }
  }

  /**
   * What came after a token (the present, if there is none); waits for it until the deadline (ms) or until `over` is
   * aborted. A stream that the token does not name begins now.
   */
  async read(
    requester: Requester,
    from: StreamToken | undefined,
    deadline: number,
    over: AbortSignal,
  ): Promise<Chunk> {
    const { notifier, watch } = this.#streams
    await this.ready()
    const leave = await watch.enter(requester.userId)
    const start = { ...this.now, ...from }
    const wait = deadline > notifier.now() ? notifier.wait(requester.userId, deadline, over) : undefined
    try {
      for (;;) {
        wait?.again()
        const { end, texts } = await this.#since(requester, start)
        if (texts.length > 0 || wait === undefined || wait.isOver) return { start, end, texts }
        await wait.woken
      }
    } finally {
      wait?.cancel()
      leave()
    }
  }

  async #since(
    requester: Requester,
    start: StreamToken,
  ): Promise<{ end: StreamToken; texts: readonly string[] }> {
    const { now } = this
    const request = await this.#request(requester, start.events)
    const texts: string[] = []
    const end: Partial<Record<SyncStream, number | undefined>> = { ...start }
    for (const stream of STREAMS) {
      const upTo = Math.max(now[stream] ?? 0, start[stream] ?? 0)
      texts.push(...eventTexts(await this.#newsOf(stream, request, start[stream], upTo)))
      end[stream] = upTo
    }
    end.invites = Math.max(now.invites ?? 0, start.invites ?? 0)
    texts.push(...(await this.#invitations(request, start.invites ?? 0, end.invites)))
    const [after, upTo] = [start.events ?? 0, Math.max(now.events ?? 0, start.events ?? 0)]
    if (after < upTo) {
      const nids = await this.#roomsBetween(requester.userId, after, upTo)
      const withNews = await this.#streams.reader.withEvents([...nids], after, upTo)
      const rooms = await this.#rooms.between(requester, withNews, after, upTo)
      texts.push(...rooms.texts)
      end.events = rooms.upTo
    }
    return { end, texts }
  }

  /** The rooms that the user is in, and those that they were in at some time of the span: to see how that ended. */
  async #roomsBetween(userId: string, after: number, upTo: number): Promise<Set<number>> {
    const { memberships } = this.#context.read
    const joined = await memberships.ofUser(userId, ['join'])
    const changed = await memberships.changed(userId, after, upTo)
    const left = changed.filter(({ membership }) => membership === 'leave' || membership === 'ban')
    return new Set([...joined, ...left].map(({ roomNid }) => roomNid))
  }

  async #invitations({ requester, ignored }: SyncRequest, after: number, upTo: number): Promise<string[]> {
    const { userId } = requester
    if (after >= upTo || !this.#streams.invites.mayHaveNews(userId, after)) return []
    const rows = await this.#context.read.invitations.changed(userId, after, upTo)
    const policy = await this.#views.invitePolicies.of(userId)
    return rows
      .filter(({ kind, status }) => kind === 'invite' && status === 'invited')
      .filter(({ sender }) => !ignored.has(sender) && policy(sender) === 'allow')
      .map(row => JSON.stringify(inviteEvent(row)))
  }

  async #request(requester: Requester, since: number | undefined): Promise<SyncRequest> {
    const { users: ignored, missed } = await this.#views.ignoredUsers.lists(requester.userId)
    return { requester, ignored, missed, since, filter: EVERYTHING, fullState: false, stateAfter: false }
  }

  async #newsOf(
    stream: SyncStream,
    request: SyncRequest,
    after: number | undefined,
    upTo: number = this.#position(stream),
  ): Promise<readonly News[]> {
    const events = { after: request.since, upTo: this.#streams.watch.position }
    return Promise.all(this.#sources(stream).map(source => source.news(request, after, upTo, events)))
  }

  #position(stream: SyncStream): number {
    return Math.min(...this.#sources(stream).map(source => source.position()))
  }

  #sources(stream: SyncStream): SyncStreams['sources'] {
    return this.#streams.sources.filter(source => source.stream === stream)
  }
}

/** The member event that invites, as the invited user may see it. */
export const inviteEvent = ({ roomId, sender, event, eventId }: InvitationRow): object => {
  const { type, state_key, content, origin_server_ts } = event
  return { type, sender, state_key, content, origin_server_ts, event_id: eventId, room_id: roomId }
}

/** "`m.tag` events appearing in `/events` will have a `room_id` with the room the tags are for": so has all that is of a room. */
const eventTexts = (news: readonly News[]): string[] => [
  ...news.flatMap(({ events }) => [...(events?.values() ?? [])].flat()),
  ...[...extrasByRoom(news)].flatMap(([roomId, { accountData = [], ephemeral = [] }]) =>
    [...accountData, ...ephemeral].map(text => `${text.slice(0, -1)},"room_id":${JSON.stringify(roomId)}}`),
  ),
]
