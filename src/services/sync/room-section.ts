import { STICKY } from '../../core/event/stickiness.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { type Answer, andThen, together } from '../answer.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import { passes } from '../rooms/timeline.ts'
import { AHEAD, inOrder, type Section } from './response.ts'
import type { JoinedNews, LeftNews } from './room-news.ts'
import type { RoomStates } from './room-state.ts'
import { RoomSummaries } from './room-summaries.ts'
import {
  afterToldEnd,
  type Place,
  type RoomTimeline,
  type RoomTimelines,
  withoutMisleading,
} from './room-timeline.ts'
import { SectionEvents } from './section-events.ts'
import { eventsPart, isNew, stateName, statePart, timelinePart, withEnd } from './section-parts.ts'
import { SectionSources } from './section-sources.ts'
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
  readonly #timelines: RoomTimelines
  readonly #shared: SharedTimelines
  readonly #states: RoomStates
  readonly #summaries: RoomSummaries
  readonly #memo: SpanMemo
  readonly #events: SectionEvents
  readonly #sources: SectionSources

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
    this.#timelines = parts.timelines
    this.#shared = parts.shared
    this.#states = parts.states
    this.#summaries = parts.summaries
    this.#memo = parts.memo
    this.#events = new SectionEvents(parts.read, parts.clientEvents)
    this.#sources = new SectionSources(parts.sources)
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
  someJoined(request: SyncRequest, some: readonly JoinedNews[]): Answer<Section[]> {
    return andThen(together(some.map(news => this.joined(request, news))), texts =>
      some.flatMap(({ roomId }, index) => {
        const told = texts[index]
        return told === undefined ? [] : { part: 'join', roomId, text: told.text, more: told.more }
      }),
    )
  }

  /** The section of a room that the user is in; `undefined` if there is nothing to tell. */
  joined(request: SyncRequest, news: JoinedNews): Answer<RoomText | undefined> {
    return andThen(this.#shared.of(request, news), shared =>
      shared === undefined ? this.#apart(request, news) : this.#withShared(request, news, shared),
    )
  }

  /** The same of a room of which the user is told something else than others. */
  async #apart(request: SyncRequest, news: JoinedNews): Promise<RoomText | undefined> {
    const [own, beside] = await Promise.all([this.#own(request, news), this.#sources.parts(request, news)])
    if (own === undefined) return undefined
    const members = [...own.parts, ...beside].join(',')
    if (own.late === undefined) return { text: `{${members}}` }
    return { text: `{${members},"${stateName(request)}":{"events":[`, more: closed(own.late, ']}}') }
  }

  /** What the stream of events has to tell. */
  async #own(request: SyncRequest, news: JoinedNews): Promise<OwnParts | undefined> {
    const { roomNid, whole, extras } = news
    const read = await this.#timeline(request, news, news.span, news.place)
    const { since } = request
    const timeline =
      since !== undefined && isNew(request, news) ? afterToldEnd(read, request.requester.userId, since) : read
    const tellsSummary = whole || news.isNewlyComplete === true || (await this.#summaryChanged(news))
    const entries = await this.#states.of(request, news, timeline, tellsSummary)
    const isLate = whole && entries.length > MAX_AT_HAND
    // What does not depend on each other is read at the same time.
    const [state, events, sticky] = await Promise.all([
      isLate ? [] : this.#events.state(request, timeline, entries),
      this.#events.timeline(request, timeline),
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
    return isLate ? { parts, late: this.#events.stateSlices(request, timeline, entries) } : { parts }
  }

  /** The section of a room where nothing but its timeline, which others are told as well, is news of the stream of events. */
  #withShared(
    request: SyncRequest,
    news: JoinedNews,
    { timeline, senders, text }: SharedTimeline,
  ): Answer<RoomText | undefined> {
    const introduced = andThen(this.#states.introduced(request, news, timeline, senders), entries =>
      entries.length === 0 ? [] : this.#events.state(request, timeline, entries),
    )
    return andThen(introduced, state => {
      if (timeline.events.length === 0 && state.length === 0 && news.extras === undefined) return undefined
      return andThen(this.#sources.parts(request, news), parts => ({
        text: `{${text},${statePart(request, state)},${parts.join(',')}}`,
      }))
    })
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
      timelinePart(timeline, await this.#events.timeline(request, timeline)),
      statePart(request, await this.#events.state(request, timeline, state)),
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

  async #summaryChanged({ roomNid, span }: JoinedNews): Promise<boolean> {
    const { after = 0, upTo } = span
    const changes = await this.#memo.changes(roomNid, after, upTo)
    const ended = await this.#memo.ended(roomNid, after, upTo)
    if ([...changes, ...ended].some(({ type }) => RoomSummaries.isTouchedBy(type))) return true
    const mayRedact = this.#memo.mayRedact(roomNid, after, upTo)
    return mayRedact && (await this.#summaries.isNameRedacted(roomNid, { after, upTo }))
  }

  /** "If a sticky event appears in the timeline section …, it MUST NOT be included in the `sticky.events` section." */
  async #stickyPart(request: SyncRequest, news: JoinedNews, timeline: RoomTimeline): Promise<string[]> {
    const sticky = await this.#sources.sticky(request, news)
    if (sticky.length === 0) return []
    const inTimeline = new Set(timeline.events.map(({ nid }) => nid))
    const others = sticky.filter(({ nid }) => !inTimeline.has(nid))
    const texts = await this.#events.beside(request, timeline, others)
    return texts.length === 0 ? [] : [eventsPart(STICKY, texts)]
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
