import { STICKY } from '../../core/event/stickiness.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StateAt } from '../../storage/rooms/state-views.ts'
import { type Answer, together } from '../answer.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import { inSlices } from '../rooms/state-slices.ts'
import { passes } from '../rooms/timeline.ts'
import { AHEAD, inOrder, type Section } from './response.ts'
import type { JoinedNews, LeftNews } from './room-news.ts'
import type { RoomStates } from './room-state.ts'
import { RoomSummaries } from './room-summaries.ts'
import { type Place, type RoomTimeline, type RoomTimelines, withoutMisleading } from './room-timeline.ts'
import {
  eventsPart,
  isNew,
  presentation,
  stateName,
  statePart,
  timelinePart,
  withEnd,
} from './section-parts.ts'
import type { SharedTimeline, SharedTimelines } from './shared-timeline.ts'
import type { SpanMemo } from './span-memo.ts'
import type { EventSpan, SyncRequest } from './sync-request.ts'
import type { SyncSource } from './sync-source.ts'

/** Rooms whose members are counted at once. */
const COUNTED = 64
/** Whole state of more events than this is made while it is sent: it may have hundreds of megabytes. */
const MAX_AT_HAND = 500

/** The section of a room as JSON text, or its beginning and what follows. */
type RoomText = Pick<Section, 'text' | 'more'>

/** The members of a section, and the state that is to follow them. */
interface OwnParts {
  readonly parts: readonly string[]
  readonly late?: AsyncGenerator<string, void>
}

/** Writes the parts of a sync response that tell of rooms which the user is in, or was, as JSON text. */
export class RoomSections {
  readonly #read: RoomReaders
  readonly #timelines: RoomTimelines
  readonly #shared: SharedTimelines
  readonly #states: RoomStates
  readonly #summaries: RoomSummaries
  readonly #memo: SpanMemo
  readonly #clientEvents: ClientEvents
  readonly #sources: readonly SyncSource[]

  constructor(parts: {
    read: RoomReaders
    timelines: RoomTimelines
    shared: SharedTimelines
    states: RoomStates
    summaries: RoomSummaries
    memo: SpanMemo
    clientEvents: ClientEvents
    sources: readonly SyncSource[]
  }) {
    this.#read = parts.read
    this.#timelines = parts.timelines
    this.#shared = parts.shared
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
      const texts = inOrder(
        some,
        AHEAD,
        async news => ({
          roomId: news.roomId,
          room: await this.joined(request, news),
        }),
        lengthOf,
      )
      for await (const { roomId, room } of texts) {
        if (room !== undefined) yield { part: 'join', roomId, ...room }
      }
    }
  }

  /** The same of a few rooms, at once. */
  async someJoined(request: SyncRequest, some: readonly JoinedNews[]): Promise<Section[]> {
    const texts = await together(some.map(news => this.joined(request, news)))
    return some.flatMap(({ roomId }, index) => {
      const text = texts[index]
      return text === undefined ? [] : { part: 'join', roomId, ...text }
    })
  }

  /** The section of a room that the user is in; `undefined` if there is nothing to tell. */
  async joined(request: SyncRequest, news: JoinedNews): Promise<RoomText | undefined> {
    const shared = await this.#shared.of(request, news)
    if (shared !== undefined) return this.#withShared(request, news, shared)
    const [own, beside] = await Promise.all([this.#own(request, news), this.#beside(request, news)])
    if (own === undefined) return undefined
    const members = [...own.parts, ...beside].join(',')
    if (own.late === undefined) return { text: `{${members}}` }
    return { text: `{${members},"${stateName(request)}":{"events":[`, more: closed(own.late, ']}}') }
  }

  /** What the stream of events has to tell. */
  async #own(request: SyncRequest, news: JoinedNews): Promise<OwnParts | undefined> {
    const { roomNid, whole, extras } = news
    const timeline = await this.#timeline(request, news, news.span, news.place)
    const tellsSummary = whole || news.isNewlyComplete === true || (await this.#summaryChanged(news))
    const entries = await this.#states.of(request, news, timeline, tellsSummary)
    const isLate = whole && entries.length > MAX_AT_HAND
    // What does not depend on each other is read at the same time.
    const [state, events, sticky] = await Promise.all([
      isLate ? [] : this.#stateTexts(request, timeline, entries),
      this.#timelineTexts(request, timeline),
      this.#stickyPart(request, news, timeline),
    ])
    const isEmpty = timeline.events.length === 0 && state.length === 0 && timeline.isCut !== true
    if (isEmpty && !whole && extras === undefined && !tellsSummary) return undefined
    const parts = [
      timelinePart(timeline, events),
      ...(isLate ? [] : [statePart(request, state)]),
      ...sticky,
      ...(tellsSummary ? [`"summary":${await this.#summaries.text(roomNid, request.requester.userId)}`] : []),
    ]
    return isLate ? { parts, late: this.#stateSlices(request, timeline, entries) } : { parts }
  }

  /** What else there is. */
  async #beside(request: SyncRequest, news: JoinedNews): Promise<string[]> {
    const [accountData, ephemeral, members] = await Promise.all([
      this.#accountData(request, news),
      this.#ephemeral(request, news),
      this.#members(request, news.roomNid),
    ])
    return [eventsPart('account_data', accountData), eventsPart('ephemeral', ephemeral), ...members.flat()]
  }

  /** The section of a room where nothing but its timeline, which others are told as well, is news of the stream of events. */
  async #withShared(
    request: SyncRequest,
    news: JoinedNews,
    { timeline, senders, text }: SharedTimeline,
  ): Promise<RoomText | undefined> {
    const { extras } = news
    const entries = await this.#states.introduced(request, news, timeline, senders)
    const state = entries.length === 0 ? [] : await this.#stateTexts(request, timeline, entries)
    if (timeline.events.length === 0 && state.length === 0 && extras === undefined) return undefined
    const parts = [
      text,
      statePart(request, state),
      eventsPart('account_data', extras?.accountData ?? []),
      eventsPart('ephemeral', extras?.ephemeral ?? []),
      ...(await this.#members(request, news.roomNid)).flat(),
    ]
    return { text: `{${parts.join(',')}}` }
  }

  #members(request: SyncRequest, roomNid: number): Answer<readonly (readonly string[])[]> {
    return together(this.#sources.map(source => source.roomMembers?.(request, roomNid) ?? []))
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
    const isAdded =
      own !== undefined &&
      !found.events.some(({ nid }) => nid === own.nid) &&
      request.filter.timeline.matchesRoom(roomId) &&
      passes(request.filter.timeline, own)
    const timeline = isAdded ? { ...found, events: [...found.events, own] } : found
    const whole = span?.after === undefined
    const entries =
      span === undefined
        ? []
        : await this.#states.of(request, { roomNid, roomId, span, whole }, timeline, false)
    const state = own === undefined ? entries : withEnd(request, roomId, { entries, timeline, own })
    const parts = [
      timelinePart(timeline, await this.#timelineTexts(request, timeline)),
      statePart(request, await this.#stateTexts(request, timeline, state)),
    ]
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

  /** Loads and renders state: each text has some events, with commas between them. */
  async #stateTexts(
    request: SyncRequest,
    timeline: RoomTimeline,
    entries: readonly StateAt[],
  ): Promise<string[]> {
    const texts: string[] = []
    for await (const text of this.#stateSlices(request, timeline, entries)) texts.push(text)
    return texts
  }

  /** The same of a large room in slices. */
  async *#stateSlices(
    request: SyncRequest,
    timeline: RoomTimeline,
    entries: readonly StateAt[],
  ): AsyncGenerator<string, void> {
    const { viewer, form } = presentation(request, timeline)
    const nids = entries.map(({ nid }) => nid)
    for await (const events of inSlices(this.#read, nids)) {
      const chosen = events.filter(stored => passes(request.filter.state, stored))
      if (chosen.length === 0) continue
      yield (await this.#clientEvents.render(chosen, viewer, form)).join(',')
    }
  }

  #timelineTexts(request: SyncRequest, timeline: RoomTimeline): Promise<string[]> {
    const { viewer, form } = presentation(request, timeline)
    // What relates to events in a gap the client cannot put together by itself.
    const bundle = timeline.limited ? 'all' : undefined
    return this.#clientEvents.render(timeline.events, viewer, { ...form, bundle })
  }

  async #summaryChanged({ roomNid, span }: JoinedNews): Promise<boolean> {
    const { after = 0, upTo } = span
    const changes = await this.#memo.changes(roomNid, after, upTo)
    const ended = await this.#memo.ended(roomNid, after, upTo)
    return [...changes, ...ended].some(({ type }) => RoomSummaries.isTouchedBy(type))
  }

  /** An initial sync reads all account data at once; of a room that was joined since, the client may lack older data. */
  async #accountData(request: SyncRequest, news: JoinedNews): Promise<readonly string[]> {
    if (!isNew(request, news)) return news.extras?.accountData ?? []
    return this.#asked(source => source.roomAccountData?.(request, news))
  }

  /** "If a sticky event appears in the timeline section …, it MUST NOT be included in the `sticky.events` section." */
  async #stickyPart(request: SyncRequest, news: JoinedNews, timeline: RoomTimeline): Promise<string[]> {
    const sticky = isNew(request, news)
      ? await this.#asked(source => source.roomSticky?.(request, news, news.span.upTo))
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
    return this.#asked(source => source.roomEphemeral?.(request, news))
  }

  async #asked<T>(ask: (source: SyncSource) => Promise<readonly T[]> | undefined): Promise<T[]> {
    return (await Promise.all(this.#sources.map(source => ask(source) ?? []))).flat()
  }
}

const lengthOf = ({ room }: { readonly room: RoomText | undefined }): number => room?.text.length ?? 0

/** Texts with commas between them, and what stands behind them. */
async function* closed(texts: AsyncGenerator<string, void>, behind: string): AsyncGenerator<string, void> {
  let comma = ''
  for await (const text of texts) {
    yield `${comma}${text}`
    comma = ','
  }
  yield behind
}
