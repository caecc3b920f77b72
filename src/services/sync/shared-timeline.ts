import type { Clock } from '../../core/clock.ts'
import type { SyncFilter } from '../../core/filter.ts'
import { type Answer, andThen, together } from '../answer.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import type { Erasures } from '../rooms/erasures.ts'
import type { JoinedNews } from './room-news.ts'
import type { RoomSummaries } from './room-summaries.ts'
import type { RoomTimeline, RoomTimelines } from './room-timeline.ts'
import { presentation, timelinePart } from './section-parts.ts'
import type { SpanMemo } from './span-memo.ts'
import type { SyncRequest } from './sync-request.ts'

/** For so long (ms) events are told with the age that they had when their text was made. */
const MOMENT_MS = 250

/** A stretch of a room's timeline as everybody is told it who was in the room all the while. */
export interface SharedTimeline {
  readonly timeline: RoomTimeline
  readonly senders: ReadonlySet<string>
  /** `"timeline":{…}` as JSON text. */
  readonly text: string
}

/**
 * Makes the timelines of rooms once for all who are told the same: one message wakes everybody in its room, and they were
 * nearly all at the same place. Left out is whatever looks different to some of them: state, forks, gaps (and what relates
 * to the events before them), what they sent themselves, what senders wanted erased.
 */
export class SharedTimelines {
  readonly #timelines: RoomTimelines
  readonly #memo: SpanMemo
  readonly #summaries: Pick<RoomSummaries, 'isNameRedacted'>
  readonly #clientEvents: ClientEvents
  readonly #erasures: Erasures
  readonly #clock: Clock
  /** Filters are kept as they were read, so that clients which ask alike have the same. */
  readonly #numbers = new WeakMap<SyncFilter, number>()
  #newest = 0

  constructor(parts: {
    timelines: RoomTimelines
    memo: SpanMemo
    summaries: Pick<RoomSummaries, 'isNameRedacted'>
    clientEvents: ClientEvents
    erasures: Erasures
    clock: Clock
  }) {
    this.#timelines = parts.timelines
    this.#memo = parts.memo
    this.#summaries = parts.summaries
    this.#clientEvents = parts.clientEvents
    this.#erasures = parts.erasures
    this.#clock = parts.clock
  }

  /** The timeline of a room's news, where the user is told the same as others and nothing of its state has changed. */
  of(request: SyncRequest, news: JoinedNews): Answer<SharedTimeline | undefined> {
    const { after, upTo } = news.span
    if (after === undefined || !isOrdinary(request, news, after)) return undefined
    const moment = Math.floor(this.#clock.now() / MOMENT_MS)
    const key = `t ${news.roomNid} ${after} ${upTo} ${this.#numberOf(request.filter)} ${moment}`
    const { userId } = request.requester
    const make = (): Answer<SharedTimeline | undefined> => this.#make(request, news, { after, upTo })
    // The events are kept beside their text.
    const made = this.#memo.once(key, make, shared => 2 * (shared?.text.length ?? 0))
    return andThen(made, shared => (shared?.senders.has(userId) === true ? undefined : shared))
  }

  #make(request: SyncRequest, news: JoinedNews, span: Span): Answer<SharedTimeline | undefined> {
    const { after, upTo } = span
    const changes = together([
      this.#memo.changes(news.roomNid, after, upTo),
      this.#memo.ended(news.roomNid, after, upTo),
    ])
    return andThen(changes, ([began, ended]) => {
      if (began.length + ended.length > 0) return undefined
      const { roomNid } = news
      const isRenamed =
        this.#memo.mayRedact(roomNid, after, upTo) && this.#summaries.isNameRedacted(roomNid, span)
      return andThen(isRenamed, renamed => {
        if (renamed) return undefined
        const read = this.#timelines.read(request, news, span, { joinedAt: after })
        return andThen(read, timeline => this.#written(request, timeline))
      })
    })
  }

  #written(request: SyncRequest, timeline: RoomTimeline): Answer<SharedTimeline | undefined> {
    const { events, forks, limited, sight } = timeline
    if (limited || forks.size > 0 || events.some(({ event }) => event.stateKey !== undefined))
      return undefined
    const senders = new Set(events.map(({ event }) => event.sender))
    return andThen(this.#erasures.current(), erased => {
      if (erased.size > 0 && senders.intersection(erased).size > 0) return undefined
      const { form } = presentation(request, timeline)
      const rendered = this.#clientEvents.render(events, { ...NOBODY, sight }, form)
      return andThen(rendered, texts => ({ timeline, senders, text: timelinePart(timeline, texts) }))
    })
  }

  #numberOf(filter: SyncFilter): number {
    const known = this.#numbers.get(filter)
    if (known !== undefined) return known
    this.#newest += 1
    this.#numbers.set(filter, this.#newest)
    return this.#newest
  }
}

interface Span {
  readonly after: number
  readonly upTo: number
}

/** Whoever has sent none of the events. */
const NOBODY = { userId: '', deviceId: undefined }

/** Whether the user was in the room before the span and is shown all of it, and nothing but events is told. */
const isOrdinary = (
  { ignored, missed }: SyncRequest,
  { place, whole, isNewlyComplete, extras }: JoinedNews,
  after: number,
): boolean => {
  const { joinedAt, sight } = place
  if (whole || isNewlyComplete === true || sight !== undefined) return false
  if (joinedAt === undefined || joinedAt > after) return false
  return ignored.size === 0 && missed === undefined && (extras?.sticky?.length ?? 0) === 0
}
