import { DUMMY_TYPE } from '../../core/dummy-type.ts'
import type { EventFilter } from '../../core/filter.ts'
import { roughLength } from '../../core/json.ts'
import type { StoredEvent, TimelineRange } from '../../storage/rooms/events.ts'
import type { Direction, TimelineReader, TimelineRow } from '../../storage/rooms/timeline-reader.ts'
import { type Answer, andThen } from '../answer.ts'
import type { Missed } from './ignored-users.ts'
import type { ForkState, Seeing, Sight } from './room-sight.ts'
import type { Range } from './visible-ranges.ts'

export { BEGINNING } from './visible-ranges.ts'

/** A stretch of a timeline: for `b` down from `from` (inclusive) to `to` (exclusive), for `f` the other way round. */
export interface TimelineSpan {
  readonly direction: Direction
  readonly from: number
  readonly to: number
}

/** Whose view of a timeline is read, which events are wanted, and how many at most. */
export interface Wanted {
  readonly userId: string
  readonly sight: Sight
  readonly limit: number
  readonly filter: EventFilter
  /** Of these users only state events are shown (module "Ignoring Users"). */
  readonly ignored: ReadonlySet<string>
  /** What was missed of others, and is not shown. */
  readonly missed?: Missed | undefined
}

/** Events of a stretch in the order of its direction, and where to go on. */
export interface Stretch {
  readonly events: readonly StoredEvent[]
  /** What differs for the user in the states of those events that stand on forks, by nid: for others something else may. */
  readonly forks: ReadonlyMap<number, ForkState>
  readonly next: number
  /** Nothing that the user may see is left of the stretch. */
  readonly exhausted: boolean
  /** The floor of a gap (`TimelineGap`) where it ends: what lies there is not here. */
  readonly gap?: number
}

/** Reads pages of timelines; `TimelineReader`, or something that remembers what it read. */
export interface PageReader extends Pick<TimelineReader, 'load'> {
  page(...parameters: Parameters<TimelineReader['page']>): Answer<TimelineRow[]>
  /** A page without a gap, if nothing has to be read for it. */
  recent?(direction: Direction, range: TimelineRange): TimelineRow[] | undefined
}

/** A filter that lets little through still costs at most this many rows; `next` then leads on. */
const MAX_SCANNED = 5000
/** Characters of content, about, after which a stretch ends: what is answered is put together in memory. */
const MAX_LENGTH = 4 * 1024 * 1024
const SMALLEST_PAGE = 20
const LARGEST_PAGE = 200
/** So many events have not that length: none is larger than 64 KB. */
const FEW = 64

const NO_FORKS: ReadonlyMap<number, ForkState> = new Map()

/** Reads rooms' timelines as their users may see them. */
export class Timelines {
  readonly #pages: PageReader
  readonly #sights: Pick<Seeing, 'forks'>

  constructor(pages: PageReader, sights: Pick<Seeing, 'forks'>) {
    this.#pages = pages
    this.#sights = sights
  }

  /**
   * Reads on from `span.from` until enough events have passed, in number or length, the stretch ends, something is missing, or
   * enough was looked at.
   */
  collect(roomNid: number, span: TimelineSpan, wanted: Wanted): Answer<Stretch> {
    return this.#recent(roomNid, span, wanted) ?? this.#inPages(roomNid, span, wanted)
  }

  /** The same of the little that has just happened, which is in memory: of nearly all that somebody is woken for. */
  #recent(roomNid: number, span: TimelineSpan, wanted: Wanted): Answer<Stretch> | undefined {
    const { direction, from } = span
    const [range, ...others] = wanted.filter.nothing ? [] : parts(span, wanted.sight.ranges)
    if (range === undefined || others.length > 0) return undefined
    const limit = Math.min(FEW, wanted.limit)
    const rows = this.#pages.recent?.(direction, { roomNid, after: range.from - 1, upTo: range.to, limit })
    if (rows === undefined || rows.length === limit || rows.some(({ forked }) => forked)) return undefined
    const last = rows.at(-1)?.position
    const next = last === undefined ? from : beyond(direction, last)
    return andThen(this.#pages.load(candidates(rows, wanted)), loaded => {
      const events = loaded.filter(stored => passes(wanted.filter, stored) && wanted.sight.sees(stored))
      return { events, forks: NO_FORKS, next, exhausted: true }
    })
  }

  async #inPages(roomNid: number, span: TimelineSpan, wanted: Wanted): Promise<Stretch> {
    const { direction } = span
    const events: StoredEvent[] = []
    const forks = new Map<number, ForkState>()
    let next = span.from
    let scanned = 0
    let length = 0
    for (const range of wanted.filter.nothing ? [] : parts(span, wanted.sight.ranges)) {
      let rest: Range | undefined = range
      while (rest !== undefined) {
        if (events.length === wanted.limit || scanned >= MAX_SCANNED) {
          return { events, forks, next, exhausted: false }
        }
        const missing = wanted.limit - events.length
        const limit = Math.min(
          wanted.filter.everything ? missing : Math.max(missing, SMALLEST_PAGE),
          LARGEST_PAGE,
        )
        const range = { roomNid, after: rest.from - 1, upTo: rest.to, limit }
        const page = this.#pages.page(direction, range)
        const { rows, gap } = upToGap(direction, page instanceof Promise ? await page : page, limit)
        scanned += rows.length
        const passing = await this.#passing(rows, wanted, forks)
        for (const stored of passing) {
          events.push(stored)
          length += roughLength(stored.event.content)
          if (events.length < wanted.limit && length < MAX_LENGTH) continue
          return { events, forks, next: beyond(direction, stored.position ?? 0), exhausted: false }
        }
        const last: number | undefined = rows.at(-1)?.position
        if (last !== undefined) next = beyond(direction, last)
        if (gap !== undefined) {
          return { events, forks, next: direction === 'b' ? gap - 1 : next, exhausted: false, gap }
        }
        rest = last === undefined || rows.length < limit ? undefined : remainder(direction, rest, last)
      }
    }
    return { events, forks, next, exhausted: true }
  }

  async #passing(
    rows: readonly TimelineRow[],
    wanted: Wanted,
    forks: Map<number, ForkState>,
  ): Promise<StoredEvent[]> {
    const { userId, sight, filter } = wanted
    const few = candidates(rows, wanted)
    const forked = few.filter(row => row.forked).map(row => row.nid)
    if (forked.length > 0) {
      const states = await this.#sights.forks(forked, userId)
      for (const nid of forked) forks.set(nid, states.get(nid) ?? {})
    }
    const events = await this.#pages.load(few)
    return events.filter(stored => passes(filter, stored) && sight.sees(stored, forks.get(stored.nid)))
  }
}

/** Those of which their rows do not tell that they are not wanted. */
const candidates = (
  rows: readonly TimelineRow[],
  { filter, ignored, missed }: Pick<Wanted, 'filter' | 'ignored' | 'missed'>,
): TimelineRow[] =>
  rows.filter(
    row =>
      filter.matchesHead(row.type, row.sender) &&
      (row.isState ||
        (row.type !== DUMMY_TYPE && !ignored.has(row.sender) && missed?.(row.sender, row.position) !== true)),
  )

/** Whether a filter lets an event through as it is shown: what was redacted has no content to look into. */
export const passes = (filter: EventFilter, { event, redactedBy }: StoredEvent): boolean =>
  filter.matches(redactedBy === undefined ? event : { type: event.type, sender: event.sender })

/** The parts of a stretch in which there is something to see, in its direction. */
const parts = ({ direction, from, to }: TimelineSpan, ranges: readonly Range[]): Range[] => {
  const low = (direction === 'b' ? to : from) + 1
  const high = direction === 'b' ? from : to
  const found = ranges
    .map(range => ({ from: Math.max(range.from, low), to: Math.min(range.to, high) }))
    .filter(range => range.from <= range.to)
  return direction === 'b' ? found.reverse() : found
}

/** What of a page lies before the gap that it comes to, if it does. */
const upToGap = (
  direction: Direction,
  page: readonly TimelineRow[],
  limit: number,
): { rows: readonly TimelineRow[]; gap: number | undefined } => {
  const gap = page[0]?.gap
  if (gap === undefined) return { rows: page, gap }
  const rows = page.filter(({ position }) => (direction === 'b' ? position >= gap : position < gap))
  const isReached = rows.length < limit || rows.at(-1)?.position === gap
  return { rows, gap: isReached ? gap : undefined }
}

/** Where to go on behind an event: spans begin inclusively backwards, and exclusively forwards. */
const beyond = (direction: Direction, position: number): number =>
  direction === 'b' ? position - 1 : position

const remainder = (direction: Direction, range: Range, last: number): Range | undefined => {
  const rest = direction === 'b' ? { from: range.from, to: last - 1 } : { from: last + 1, to: range.to }
  return rest.from <= rest.to ? rest : undefined
}
