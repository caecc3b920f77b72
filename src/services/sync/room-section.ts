import { formatStreamToken } from '../../core/stream-token.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StateEntry } from '../../storage/rooms/state.ts'
import type { SyncReader } from '../../storage/rooms/sync-reader.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import { type Sight, sightOf } from '../rooms/room-sight.ts'
import type { SentMembers } from './lazy-members.ts'
import { readTimeline, stateDelta, type Timeline, wholeState } from './room-timeline.ts'
import type { EventSpan, SyncRequest } from './sync-request.ts'
import type { SyncSource, ToldRoom } from './sync-source.ts'

/** What one room contributes to a response, as JSON text; `undefined` if there is nothing to tell. */
export type RoomText = string | undefined

/** A room to be told of. */
export interface RoomNews extends ToldRoom {
  readonly span: EventSpan
  /** The client does not have the room's state: tell all of it. */
  readonly whole: boolean
  /** The section is wanted even if there is no event to tell. */
  readonly isTold: boolean
  /** JSON texts of the user's account data for the room. */
  readonly accountData: readonly string[]
  /** JSON texts of ephemeral events. */
  readonly ephemeral: readonly string[]
}

/** Writes the parts of a sync response that tell of rooms which the user is in, or was. */
export class RoomSections {
  readonly #read: RoomReaders
  readonly #sync: SyncReader
  readonly #clientEvents: ClientEvents
  readonly #sentMembers: SentMembers
  readonly #sources: readonly SyncSource[]

  constructor(parts: {
    read: RoomReaders
    sync: SyncReader
    clientEvents: ClientEvents
    sentMembers: SentMembers
    sources: readonly SyncSource[]
  }) {
    this.#read = parts.read
    this.#sync = parts.sync
    this.#clientEvents = parts.clientEvents
    this.#sentMembers = parts.sentMembers
    this.#sources = parts.sources
  }

  /** A room that the user is in. */
  async joined(request: SyncRequest, news: RoomNews): Promise<RoomText> {
    const { state, timeline, sight } = await this.#contents(request, news)
    const members = await this.#memberChange(news, timeline, state)
    const empty = timeline.events.length === 0 && state.length === 0
    if (empty && !news.isTold && !news.whole && !members) return undefined
    const ephemeral = news.whole ? await this.#allEphemeral(request, news) : news.ephemeral
    const furtherMembers = await Promise.all(
      this.#sources.map(source => source.roomMembers?.(request, news.roomNid) ?? []),
    )
    const parts = [
      ...(await this.#eventParts(request, { state, timeline, sight })),
      `"account_data":{"events":[${news.accountData.join(',')}]}`,
      `"ephemeral":{"events":[${ephemeral.join(',')}]}`,
      ...furtherMembers.flat(),
      ...(members ? [`"summary":${JSON.stringify(await this.#summary(request, news.roomNid))}`] : []),
    ]
    return `{${parts.join(',')}}`
  }

  /** A room that the user has left: up to their leaving. */
  async left(request: SyncRequest, news: RoomNews): Promise<string> {
    const { state, timeline, sight } = await this.#contents(request, news)
    const parts = [
      ...(await this.#eventParts(request, { state, timeline, sight })),
      `"account_data":{"events":[${news.accountData.join(',')}]}`,
    ]
    return `{${parts.join(',')}}`
  }

  async #allEphemeral(request: SyncRequest, room: ToldRoom): Promise<string[]> {
    const texts = await Promise.all(this.#sources.map(source => source.roomEphemeral?.(request, room) ?? []))
    return texts.flat()
  }

  async #contents(
    request: SyncRequest,
    news: RoomNews,
  ): Promise<{ state: StateEntry[]; timeline: Timeline; sight: Sight }> {
    const { roomNid, span } = news
    const sight = await sightOf(this.#read, roomNid, request.requester.userId)
    const timeline = await readTimeline(this.#read, roomNid, span, request, sight)
    const after = request.stateAfter !== false
    const entries =
      news.whole || span.after === undefined
        ? await wholeState(this.#read, roomNid, span.upTo, timeline, after)
        : await stateDelta(this.#read, roomNid, { after: span.after, upTo: span.upTo }, timeline, after)
    return { state: await this.#lazily(request, news, timeline, entries), timeline, sight }
  }

  /** With lazy loading: of the members only those who sent something in the timeline, and the user's own. */
  async #lazily(
    request: SyncRequest,
    { roomNid, whole }: RoomNews,
    timeline: Timeline,
    entries: StateEntry[],
  ): Promise<StateEntry[]> {
    const { state: filter } = request.filter
    if (!filter.lazyLoadMembers) return entries
    const { userId, deviceId = '' } = request.requester
    const device = `${userId} ${deviceId}`
    if (whole || timeline.limited) this.#sentMembers.forget(device, roomNid)
    const wanted = new Set(timeline.events.map(({ event }) => event.sender))
    if (whole) for (const hero of await this.#sync.heroes(roomNid, userId)) wanted.add(hero)
    wanted.add(userId)
    const inTimeline = new Set(
      timeline.events.flatMap(({ event }) => (event.type === 'm.room.member' ? (event.stateKey ?? []) : [])),
    )
    const members = new Map(
      entries.filter(entry => entry.type === 'm.room.member').map(entry => [entry.stateKey, entry]),
    )
    for (const sender of wanted) {
      if (members.has(sender) || inTimeline.has(sender)) continue
      const nid = await this.#read.state.point(roomNid, 'm.room.member', sender)
      const [stored] = nid === undefined ? [] : await this.#read.events.byNids([nid])
      if (stored === undefined) continue
      const { type, eventId } = stored.event
      members.set(sender, { type, stateKey: sender, nid: stored.nid, eventId })
    }
    // A change of membership is told whoever it is about, except in the whole state.
    const shown = [...members.values()].filter(member => !whole || wanted.has(member.stateKey))
    const fresh = filter.includeRedundantMembers
      ? shown
      : this.#sentMembers.withoutRedundant(device, roomNid, shown)
    return [...entries.filter(entry => entry.type !== 'm.room.member'), ...fresh]
  }

  async #eventParts(
    request: SyncRequest,
    { state, timeline, sight }: { state: readonly StateEntry[]; timeline: Timeline; sight: Sight },
  ): Promise<string[]> {
    const viewer = { ...request.requester, sight }
    const { state: filter } = request.filter
    const stateEvents = (await this.#read.events.byNids(state.map(entry => entry.nid))).filter(({ event }) =>
      filter.matches(event),
    )
    const [stateTexts, timelineTexts] = await Promise.all([
      this.#clientEvents.render(stateEvents, viewer, { roomId: false }),
      this.#clientEvents.render(timeline.events, viewer, { roomId: false }),
    ])
    const token = formatStreamToken({ events: timeline.before })
    return [
      `"timeline":{"events":[${timelineTexts.join(',')}],"limited":${timeline.limited},"prev_batch":"${token}"}`,
      `"${request.stateAfter === false ? 'state' : request.stateAfter}":{"events":[${stateTexts.join(',')}]}`,
    ]
  }

  /** Whether the room's summary may have changed. */
  async #memberChange(news: RoomNews, timeline: Timeline, state: readonly StateEntry[]): Promise<boolean> {
    if (news.whole || news.span.after === undefined) return true
    return (
      timeline.events.some(({ event }) => event.type === 'm.room.member') ||
      state.some(entry => entry.type === 'm.room.member')
    )
  }

  async #summary({ requester }: SyncRequest, roomNid: number): Promise<object> {
    const [counts, name, alias] = await Promise.all([
      this.#read.memberships.counts(roomNid),
      this.#read.state.point(roomNid, 'm.room.name', ''),
      this.#read.state.point(roomNid, 'm.room.canonical_alias', ''),
    ])
    const [nameEvent] = name === undefined ? [] : await this.#read.events.byNids([name])
    const [aliasEvent] = alias === undefined ? [] : await this.#read.events.byNids([alias])
    const isNamed = Boolean(nameEvent?.event.content['name']) || Boolean(aliasEvent?.event.content['alias'])
    return {
      'm.joined_member_count': counts.join ?? 0,
      'm.invited_member_count': counts.invite ?? 0,
      ...(isNamed ? {} : { 'm.heroes': await this.#sync.heroes(roomNid, requester.userId) }),
    }
  }
}
