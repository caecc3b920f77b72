import { relationOf } from '../../core/relations.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { ThreadRow } from '../../storage/rooms/threads.ts'
import type { IgnoredUsers } from './ignored-users.ts'
import type { Sight } from './room-sight.ts'
import { seesWholeThreads, threadSeenBy } from './thread-sight.ts'
import { BEGINNING } from './visible-ranges.ts'

/** Who is shown aggregations, and what they may see. */
export interface AggregationViewer {
  readonly userId: string
  readonly sight: Sight
}

/**
 * `all`: everything that is aggregated; `edits`: all but threads, for events that are themselves shown with another. No
 * thread is shown within a thread, or a chain of them would be without end.
 */
export type Bundle = 'all' | 'edits'

/** Renders child events for the same viewer as their parent, in the order given. */
export type RenderChildren = (
  events: readonly StoredEvent[],
  options: { readonly bundle?: Bundle },
) => Promise<readonly string[]>

/** What is asked for of one room's events. */
interface Question {
  readonly roomNid: number
  readonly parents: readonly StoredEvent[]
  readonly viewer: AggregationViewer
  readonly ignored: ReadonlySet<string>
  /** The last position of which the viewer may know anything. */
  readonly upTo: number
  readonly bundle: Bundle
}

/** A thread as its viewer sees it. */
interface Thread {
  readonly latest: StoredEvent
  readonly count: number
  readonly participated: boolean
}

/** Of one event, for somebody who does not see the last of them. */
const MAX_EDITS = 100

const NOTHING: ReadonlyMap<number, string> = new Map()

/**
 * Bundles what relates to events (client-server API, "Aggregations of child events"): the newest edit, the summary of
 * a thread, references. Where nothing relates to any of the events, it costs one look at an index.
 */
export class Aggregations {
  readonly #read: RoomReaders
  readonly #ignoredUsers: IgnoredUsers

  constructor(read: RoomReaders, ignoredUsers: IgnoredUsers) {
    this.#read = read
    this.#ignoredUsers = ignoredUsers
  }

  /**
   * `m.relations` of those events of one room that have any, as JSON text by nid.
   *
   * "State events do not currently receive bundled aggregations." Ignored users' events, and what the viewer may not
   * see, count for nothing.
   */
  async of(
    events: readonly StoredEvent[],
    viewer: AggregationViewer,
    bundle: Bundle,
    render: RenderChildren,
  ): Promise<ReadonlyMap<number, string>> {
    const messages = events.filter(({ event }) => event.stateKey === undefined)
    const upTo = viewer.sight.ranges.at(-1)?.to
    if (messages.length === 0 || upTo === undefined) return NOTHING
    const nids = await this.#read.relations.parents(messages.map(stored => stored.nid))
    if (nids.size === 0) return NOTHING
    const ignored = await this.#ignoredUsers.of(viewer.userId)
    const parents = messages.filter(stored => nids.has(stored.nid))
    const questions = [...Map.groupBy(parents, stored => stored.roomNid)].map(([roomNid, ofRoom]) =>
      this.#ofRoom({ roomNid, parents: ofRoom, viewer, ignored, upTo, bundle }, render),
    )
    return new Map((await Promise.all(questions)).flat())
  }

  async #ofRoom(question: Question, render: RenderChildren): Promise<[number, string][]> {
    const [replacements, threads, references] = await Promise.all([
      this.#replacements(question),
      question.bundle === 'all' ? this.#threads(question) : new Map<number, Thread>(),
      this.#references(question),
    ])
    const latest = new Map([...threads].map(([nid, thread]) => [nid, thread.latest]))
    const [replacementTexts, latestTexts] = await Promise.all([
      textsOf(replacements, events => render(events, {})),
      textsOf(latest, events => render(events, { bundle: 'edits' })),
    ])
    return question.parents.flatMap(({ nid }) => {
      const parts: string[] = []
      const replacement = replacementTexts.get(nid)
      if (replacement !== undefined) parts.push(`"m.replace":${replacement}`)
      const thread = threads.get(nid)
      if (thread !== undefined) {
        const { count, participated } = thread
        const latest = `"latest_event":${latestTexts.get(nid) ?? '{}'}`
        parts.push(`"m.thread":{${latest},"count":${count},"current_user_participated":${participated}}`)
      }
      const chunk = references.get(nid)?.map(eventId => `{"event_id":${JSON.stringify(eventId)}}`)
      if (chunk !== undefined) parts.push(`"m.reference":{"chunk":[${chunk.join(',')}]}`)
      return parts.length === 0 ? [] : [[nid, `{${parts.join(',')}}`]]
    })
  }

  /** The newest edit of each event, by the event's nid. */
  async #replacements({ parents, viewer, upTo }: Question): Promise<Map<number, StoredEvent>> {
    const { relations, events } = this.#read
    // "The original event must not, itself, have a rel_type of m.replace." Nor is it bundled "if the original event is redacted".
    const originals = parents.filter(
      ({ event, redactedBy }) => redactedBy === undefined && relationOf(event)?.relType !== 'm.replace',
    )
    const found = await relations.replacements(
      originals.map(stored => stored.nid),
      upTo,
    )
    const byNid = new Map((await events.byNids([...found.values()])).map(stored => [stored.nid, stored]))
    const visible = new Map<number, StoredEvent>()
    for (const original of originals) {
      const newest = byNid.get(found.get(original.nid) ?? 0)
      if (newest === undefined) continue
      // Whoever ignores the sender of an event is not shown the event, so its edits need no look.
      const seen = viewer.sight.sees(newest) ? newest : await this.#olderReplacement(original, viewer, upTo)
      if (seen !== undefined) visible.set(original.nid, seen)
    }
    return visible
  }

  /** The newest edit of those that the viewer sees, where they were away for the newest of all. */
  async #olderReplacement(
    { roomNid, event }: StoredEvent,
    { sight }: AggregationViewer,
    upTo: number,
  ): Promise<StoredEvent | undefined> {
    const { relations, events } = this.#read
    const places = await relations.children({
      ...{ roomNid, parentId: event.eventId, relType: 'm.replace', eventType: event.type, recurse: false },
      ...{ direction: 'b', after: BEGINNING, upTo, limit: MAX_EDITS },
    })
    const edits = await events.byNids(places.map(({ nid }) => nid))
    const [newest] = edits
      .filter(
        edit =>
          edit.event.sender === event.sender && relationOf(edit.event)?.isReplacement && sight.sees(edit),
      )
      .toSorted(
        (a, b) =>
          b.event.originServerTs - a.event.originServerTs || (a.event.eventId < b.event.eventId ? 1 : -1),
      )
    return newest
  }

  /** What refers to each event, as event IDs by the event's nid. */
  async #references(question: Question): Promise<Map<number, string[]>> {
    const { roomNid, parents, viewer, ignored, upTo } = question
    const ids = parents.map(({ event }) => event.eventId)
    const found = await this.#read.relations.references(roomNid, ids, upTo)
    const events = await this.#read.events.byNids([...found.values()].flat())
    const visible = new Map(
      events
        .filter(stored => viewer.sight.sees(stored) && !ignored.has(stored.event.sender))
        .map(({ nid, event }) => [nid, event.eventId]),
    )
    const lists = parents.flatMap(({ nid, event }): [number, string[]][] => {
      const list = (found.get(event.eventId) ?? []).flatMap(child => visible.get(child) ?? [])
      return list.length === 0 ? [] : [[nid, list]]
    })
    return new Map(lists)
  }

  /** The threads that hang on the events, by the event's nid. */
  async #threads(question: Question): Promise<Map<number, Thread>> {
    const { roomNid, parents, viewer } = question
    const { threads, events } = this.#read
    const ids = parents.map(({ event }) => event.eventId)
    const rows = await threads.byRoots(roomNid, ids)
    if (rows.size === 0) return new Map()
    const [participated, counted] = await Promise.all([
      threads.participated(roomNid, [...rows.keys()], viewer.userId),
      Promise.all([...rows.values()].map(row => this.#counted(question, row))),
    ])
    const known = counted.filter(one => one !== undefined)
    const latest = new Map(
      (await events.byNids(known.map(one => one.latestNid))).map(stored => [stored.nid, stored]),
    )
    const byRoot = new Map(known.map(one => [one.rootId, one]))
    const seen = parents.flatMap(({ nid, event }): [number, Thread][] => {
      const row = byRoot.get(event.eventId)
      const newest = row && latest.get(row.latestNid)
      if (row === undefined || newest === undefined || !viewer.sight.sees(newest)) return []
      const isIn = event.sender === viewer.userId || participated.has(event.eventId)
      return [[nid, { latest: newest, count: row.count, participated: isIn }]]
    })
    return new Map(seen)
  }

  /** A thread without what its viewer does not see; counted anew only for those who do not see all of it. */
  async #counted({ roomNid, ignored, viewer }: Question, row: ThreadRow): Promise<ThreadRow | undefined> {
    if (seesWholeThreads(viewer.sight, ignored)) return row
    const { rootId } = row
    const { relations, threads } = this.#read
    const rest = await threadSeenBy(threads, { roomNid, rootId }, viewer.sight, ignored)
    if (rest.latestPosition === undefined) return undefined
    const [place] = await relations.children({
      ...{ roomNid, parentId: rootId, relType: 'm.thread', eventType: undefined, recurse: false },
      ...{ direction: 'b', after: rest.latestPosition - 1, upTo: rest.latestPosition, limit: 1 },
    })
    return place && { rootId, latestNid: place.nid, latestPosition: place.position, count: rest.count }
  }
}

const textsOf = async (
  events: ReadonlyMap<number, StoredEvent>,
  render: (events: readonly StoredEvent[]) => Promise<readonly string[]>,
): Promise<Map<number, string>> => {
  if (events.size === 0) return new Map()
  const texts = await render([...events.values()])
  return new Map([...events.keys()].map((nid, index) => [nid, texts[index] ?? '{}']))
}
