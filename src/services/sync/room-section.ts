import { STICKY } from '../../core/event/stickiness.ts'
import { formatStreamToken } from '../../core/stream-token.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StateAt } from '../../storage/rooms/state-views.ts'
import type { ClientEvents, EventForm, EventViewer } from '../rooms/client-events.ts'
import type { Sight } from '../rooms/room-sight.ts'
import { passes } from '../rooms/timeline.ts'
import { inOrder, type Section, turn } from './response.ts'
import type { RoomStates, StateNews } from './room-state.ts'
import { RoomSummaries } from './room-summaries.ts'
import { type Place, type RoomTimeline, type RoomTimelines, withoutMisleading } from './room-timeline.ts'
import type { SpanMemo } from './span-memo.ts'
import type { EventSpan, SyncRequest } from './sync-request.ts'
import type { RoomExtras, SyncSource } from './sync-source.ts'

/** A room that the user is in. */
export interface JoinedNews extends StateNews {
  readonly place: Place
  /** What other streams have to say about it; the section is then wanted even if there is no event to tell. */
  readonly extras: RoomExtras | undefined
  /** All members have come to be known, and with them how many there are. */
  readonly isNewlyComplete?: boolean
}

/** A room that the user was in, or was invited to. */
export interface LeftNews {
  readonly roomNid: number
  readonly roomId: string
  readonly sight: Sight
  /** The stretch in which they were in it, as far as it is to be told. */
  readonly span: { readonly after: number | undefined; readonly upTo: number } | undefined
  /** Their own latest member event. */
  readonly own: StoredEvent | undefined
  readonly extras: RoomExtras | undefined
}

/** Rooms whose sections are made at a time, while the first of them is on its way to the client. */
export const AHEAD = 8

/** Rooms whose members are counted at once. */
const COUNTED = 64

/** State events that are made at once. */
const SLICE = 250

/** Writes the parts of a sync response that tell of rooms which the user is in, or was, as JSON text. */
export class RoomSections {
  readonly #read: RoomReaders
  readonly #timelines: RoomTimelines
  readonly #states: RoomStates
  readonly #summaries: RoomSummaries
  readonly #memo: SpanMemo
  readonly #clientEvents: ClientEvents
  readonly #sources: readonly SyncSource[]

  constructor(parts: {
    read: RoomReaders
    timelines: RoomTimelines
    states: RoomStates
    summaries: RoomSummaries
    memo: SpanMemo
    clientEvents: ClientEvents
    sources: readonly SyncSource[]
  }) {
    this.#read = parts.read
    this.#timelines = parts.timelines
    this.#states = parts.states
    this.#summaries = parts.summaries
    this.#memo = parts.memo
    this.#clientEvents = parts.clientEvents
    this.#sources = parts.sources
  }

  /** The sections of rooms that the user is in, as far as there is anything to tell, in order. */
  async *allJoined(request: SyncRequest, all: readonly JoinedNews[]): AsyncGenerator<Section, void> {
    for (let from = 0; from < all.length; from += COUNTED) {
      const some = all.slice(from, from + COUNTED)
      await this.#summaries.prepare(some.filter(({ whole }) => whole).map(({ roomNid }) => roomNid))
      const texts = inOrder(some, AHEAD, async news => ({
        roomId: news.roomId,
        text: await this.joined(request, news),
      }))
      for await (const { roomId, text } of texts) {
        if (text !== undefined) yield { part: 'join', roomId, text }
      }
    }
  }

  /** The section of a room that the user is in; `undefined` if there is nothing to tell. */
  async joined(request: SyncRequest, news: JoinedNews): Promise<string | undefined> {
    const { roomNid, whole, extras } = news
    const timeline = await this.#timeline(request, news, news.span, news.place)
    const tellsSummary = whole || news.isNewlyComplete === true || (await this.#summaryChanged(news))
    const entries = await this.#states.of(request, news, timeline, tellsSummary)
    const state = await this.#stateTexts(request, timeline, entries)
    const isEmpty = timeline.events.length === 0 && state.length === 0 && timeline.isCut !== true
    if (isEmpty && !whole && extras === undefined && !tellsSummary) return undefined
    const members = await Promise.all(
      this.#sources.map(source => source.roomMembers?.(request, roomNid) ?? []),
    )
    const parts = [
      ...(await this.#eventParts(request, timeline, state)),
      eventsPart('account_data', await this.#accountData(request, news)),
      eventsPart('ephemeral', await this.#ephemeral(request, news)),
      ...(await this.#stickyPart(request, news, timeline)),
      ...members.flat(),
      ...(tellsSummary ? [`"summary":${await this.#summaries.text(roomNid, request.requester.userId)}`] : []),
    ]
    return `{${parts.join(',')}}`
  }

  /** The section of a room that the user has left: up to their leaving, whatever has happened since. */
  async left(request: SyncRequest, news: LeftNews): Promise<string> {
    const { span, own, sight, roomNid, roomId, extras } = news
    const ended = own?.position ?? 0
    const found =
      span === undefined
        ? { events: [], forks: new Map(), limited: false, before: ended - 1, sight }
        : await this.#timeline(request, news, span, { sight })
    // What ended an invitation, or a ban that followed, is seen by nobody but in this place by the user concerned.
    const isTold =
      own === undefined ||
      found.events.some(({ nid }) => nid === own.nid) ||
      !request.filter.timeline.matchesRoom(roomId) ||
      !passes(request.filter.timeline, own)
    const timeline = isTold ? found : { ...found, events: [...found.events, own] }
    const entries =
      span === undefined
        ? []
        : await this.#states.of(
            request,
            { roomNid, roomId, span, whole: span.after === undefined },
            timeline,
            false,
          )
    const parts = await this.#eventParts(
      request,
      timeline,
      await this.#stateTexts(request, timeline, entries),
    )
    return `{${[...parts, eventsPart('account_data', extras?.accountData ?? [])].join(',')}}`
  }

  async #timeline(
    request: SyncRequest,
    room: { readonly roomNid: number; readonly roomId: string },
    span: EventSpan,
    place: Place,
  ): Promise<RoomTimeline> {
    const timeline = await this.#timelines.read(request, room, span, place)
    const first = timeline.events.find(({ event }) => event.stateKey !== undefined)?.position
    if (request.stateAfter !== false || first === undefined) return timeline
    const changes = await this.#memo.changes(room.roomNid, span.after ?? first - 1, span.upTo)
    return withoutMisleading(timeline, changes)
  }

  /** Loads and renders state, of a large room in slices. */
  async #stateTexts(
    request: SyncRequest,
    timeline: RoomTimeline,
    entries: readonly StateAt[],
  ): Promise<string[]> {
    const { viewer, form } = presentation(request, timeline)
    const texts: string[] = []
    for (let from = 0; from < entries.length; from += SLICE) {
      if (from > 0) await turn()
      const nids = entries.slice(from, from + SLICE).map(({ nid }) => nid)
      const events = (await this.#read.events.byNids(nids)).filter(stored =>
        passes(request.filter.state, stored),
      )
      for (const text of await this.#clientEvents.render(events, viewer, form)) texts.push(text)
    }
    return texts
  }

  async #eventParts(
    request: SyncRequest,
    timeline: RoomTimeline,
    state: readonly string[],
  ): Promise<string[]> {
    const { viewer, form } = presentation(request, timeline)
    // What relates to events in a gap the client cannot put together by itself.
    const bundle = timeline.limited ? 'all' : undefined
    const texts = await this.#clientEvents.render(timeline.events, viewer, { ...form, bundle })
    const token = formatStreamToken({ events: timeline.before })
    return [
      `"timeline":{"events":[${texts.join(',')}],"limited":${timeline.limited},"prev_batch":"${token}"}`,
      eventsPart(request.stateAfter === false ? 'state' : request.stateAfter, state),
    ]
  }

  async #summaryChanged({ roomNid, span }: JoinedNews): Promise<boolean> {
    const changes = await this.#memo.changes(roomNid, span.after ?? 0, span.upTo)
    return changes.some(({ type }) => RoomSummaries.isTouchedBy(type))
  }

  /** An initial sync reads all account data at once; of a room that was joined since, the client may lack older data. */
  async #accountData(request: SyncRequest, news: JoinedNews): Promise<readonly string[]> {
    const isNew = news.span.after === undefined && request.since !== undefined
    if (!isNew) return news.extras?.accountData ?? []
    const texts = await Promise.all(
      this.#sources.map(source => source.roomAccountData?.(request, news) ?? []),
    )
    return texts.flat()
  }

  /** "If a sticky event appears in the timeline section …, it MUST NOT be included in the `sticky.events` section." */
  async #stickyPart(request: SyncRequest, news: JoinedNews, timeline: RoomTimeline): Promise<string[]> {
    const isNew = news.span.after === undefined && request.since !== undefined
    const { upTo } = news.span
    const sticky = isNew
      ? (
          await Promise.all(this.#sources.map(source => source.roomSticky?.(request, news, upTo) ?? []))
        ).flat()
      : (news.extras?.sticky ?? [])
    if (sticky.length === 0) return []
    const inTimeline = new Set(timeline.events.map(({ nid }) => nid))
    const others = sticky.filter(({ nid }) => !inTimeline.has(nid))
    const { viewer, form } = presentation(request, timeline)
    const texts = await this.#clientEvents.render(others, viewer, form)
    return texts.length === 0 ? [] : [eventsPart(STICKY, texts)]
  }

  async #ephemeral(request: SyncRequest, news: JoinedNews): Promise<readonly string[]> {
    if (!news.whole) return news.extras?.ephemeral ?? []
    const texts = await Promise.all(this.#sources.map(source => source.roomEphemeral?.(request, news) ?? []))
    return texts.flat()
  }
}

/** For whom, and in which form, the events of a section are rendered. */
const presentation = (
  { requester, filter }: SyncRequest,
  { sight, forks }: RoomTimeline,
): { viewer: EventViewer; form: EventForm } => ({
  viewer: { ...requester, sight, forks },
  form: { roomId: false, federation: filter.federationFormat, fields: filter.eventFields },
})

const eventsPart = (name: string, texts: readonly string[]): string =>
  `"${name}":{"events":[${texts.join(',')}]}`
