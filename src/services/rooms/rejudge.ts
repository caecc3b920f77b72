import type { RoomEvent } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Extremity } from '../../storage/rooms/rooms.ts'
import { unprojected } from './event-projections.ts'
import { stateAfterEnds } from './fork-placement.ts'
import { createEventOf, judgeByAuthEvents, judgeByState } from './judge-event.ts'
import type { PartialJoin } from './partial-join.ts'
import { type PartialTask, partialOf } from './partial-task.ts'
import { RejudgedEnds } from './rejudged-ends.ts'
import { RejudgingOrder } from './rejudging-order.ts'
import { resolveStates } from './resolve.ts'
import type { RoomHead } from './room-head.ts'
import type { Draft, RoomWriter, Settled } from './room-writer.ts'
import {
  differenceOf,
  overlayAfter,
  overlayOf,
  overlayOfEvents,
  type StateOverlay,
  sameOverlay,
} from './state-overlay.ts'

/** Events that are looked at in one turn of the room. */
const BATCH = 50

/**
 * Asks servers for the state before an event, makes sure that its events are stored, and answers their IDs; `undefined` if nobody tells.
 */
export type AskStateBefore = (event: RoomEvent) => Promise<readonly string[] | undefined>

/** What became of a turn: `asks` for the state before an event that lies beyond what is here. */
type Turn = 'more' | 'done' | 'overtaken' | 'asks'

/** What was found out about an event that came while members were not known. */
interface Finding {
  readonly stored: StoredEvent
  readonly statements: readonly WriteStatement[]
  /** It is shown to nobody any more, and no end of the graph. */
  readonly isRefused: boolean
}

/**
 * Judges the events that came into a room while it lacked members once more, in the order in which they came, but each after what it
 * refers to: by the state before each as it is known now. An event that turns out to be forbidden is rejected, or soft-failed, where it
 * stands; where the state before one was another than was thought, that is stored as its difference. What was rejected
 * and would not be now is left to be received again. Of an event whose `prev_events` are not here, as one on a branch that is
 * older than the join, the state before is asked for now that the members are known; until then, it stood on the current state.
 */
export class Rejudging {
  readonly #writer: RoomWriter
  readonly #task: PartialTask
  readonly #askState: AskStateBefore
  /** The states that were asked for, by event ID. */
  readonly #given = new Map<string, readonly string[] | undefined>()
  #asked: RoomEvent | undefined
  /** After the event that was judged last. */
  readonly #ends = new RejudgedEnds()
  #acceptable: RoomEvent[] = []
  /** Their nids. */
  readonly #restored = new Set<number>()
  readonly #order: RejudgingOrder
  #after: number | undefined

  constructor(writer: RoomWriter, task: PartialTask, askState: AskStateBefore = async () => undefined) {
    this.#writer = writer
    this.#task = task
    this.#askState = askState
    this.#order = new RejudgingOrder(writer.context.read.events)
  }

  /** Rejected events that the room's rules allow. */
  get acceptable(): readonly RoomEvent[] {
    return this.#acceptable
  }

  /** The IDs of the state before an event, where these were asked for and given. */
  stateBefore(event: RoomEvent): readonly string[] | undefined {
    return this.#given.get(event.eventId)
  }

  /** Judges all that is there; answers whether the room still lacks members by the same join. */
  async catchUp(): Promise<boolean> {
    for (;;) {
      const turn = await this.#writer.update<Turn>(this.#task.roomId, head => this.#batch(head), {
        settled: true,
      })
      // The room does not wait for what others answer.
      if (turn === 'asks' && this.#asked !== undefined)
        this.#given.set(this.#asked.eventId, await this.#askState(this.#asked))
      else if (turn !== 'more') return turn === 'done'
    }
  }

  /** Whether everything that has come into the room is judged. */
  async isUpToDate(head: RoomHead): Promise<boolean> {
    const { read } = this.#writer.context
    return (await read.partial.arrivedAfter(head.room.nid, this.#after ?? 0, 1)).length === 0
  }

  /** The ends of the room's graph after all that was judged. */
  get ends(): readonly Extremity[] {
    return this.#ends.current
  }

  async #batch(head: RoomHead): Promise<Draft<Turn> | Settled<Turn>> {
    const partial = partialOf(head, this.#task)
    if (partial === undefined) return { settled: 'overtaken' }
    const { read } = this.#writer.context
    const after = this.#after ?? partial.stateAt + 1
    const nids = await read.partial.arrivedAfter(head.room.nid, after, BATCH)
    if (this.#after === undefined) this.#ends.begin(await this.#endsAtJoin(head, partial))
    this.#after = after
    for (const stored of await read.events.byNids(nids)) {
      if (this.#order.isOver(stored)) this.#after = stored.position
      else {
        const turn = await this.#turnOf(head, stored)
        if (turn !== undefined) return turn
      }
    }
    return { settled: nids.length < BATCH ? 'done' : 'more' }
  }

  /** Judges an event and what it refers to that has come later; answers what is to be done first, `undefined` once it is judged. */
  async #turnOf(head: RoomHead, stored: StoredEvent): Promise<Draft<Turn> | Settled<Turn> | undefined> {
    const { events } = this.#writer.context.read
    for (;;) {
      const next = await this.#order.first(stored, this.#after ?? 0)
      const finding = await this.#judge(head, next)
      if (finding === undefined) {
        this.#asked = next.event
        return { settled: 'asks' }
      }
      if (finding.statements.length > 0) {
        return {
          statements: finding.statements,
          nids: [next.nid],
          result: () => {
            events.forget([next.nid])
            this.#passed(finding)
            return 'more'
          },
        }
      }
      this.#passed(finding)
      if (next.nid === stored.nid) return undefined
    }
  }

  /** The join, and those that have stayed beside it: with them, the state has to be resolved. */
  async #endsAtJoin(head: RoomHead, { stateAt }: PartialJoin): Promise<StoredEvent[]> {
    const { joinEventId } = this.#task
    const { events } = this.#writer.context.read
    const join = await events.byId(joinEventId)
    const older = (await events.byNids(head.extremities.map(end => end.nid))).filter(
      ({ position }) => position !== undefined && position < stateAt,
    )
    return [...(join === undefined ? [] : [join]), ...older]
  }

  #passed({ stored, isRefused }: Finding): void {
    if (this.#order.passed(stored)) this.#after = stored.position
    this.#ends.pass(stored, isRefused)
  }

  /** Judges one event; `undefined` where the state before it has to be asked for first. */
  async #judge(head: RoomHead, stored: StoredEvent): Promise<Finding | undefined> {
    const { context } = this.#writer
    const { read } = context
    const { event, nid, position = 0 } = stored
    const createEvent = await createEventOf(read, head)
    const authEvents = await this.#found(event.authEvents)
    const intervals = overlayOf(head, await read.state.backTo(head.room.nid, position - 1))
    const told = overlayOf(head, intervals.values(), await read.state.delta(nid))
    const known = await this.#stateBefore(head, event)
    if (known === undefined && !this.#given.has(event.eventId)) return undefined
    const given = this.#given.get(event.eventId)
    const before = known ?? (given && overlayOfEvents(head, (await this.#found(given)).values())) ?? told
    const rejected =
      judgeByAuthEvents(event, authEvents, createEvent) ??
      (await judgeByState(read, head, event, { state: before, createEvent }))
    const statements = sameOverlay(told, before) ? [] : this.#restate(head, nid, intervals, before)
    if (stored.rejected !== undefined) {
      if (rejected === undefined) {
        this.#acceptable.push(event)
        this.#restored.add(nid)
      }
      return { stored, statements, isRefused: true }
    }
    const isOurs = serverNameOf(event.sender) === context.serverName
    const softFailed =
      rejected === undefined && !isOurs
        ? await judgeByState(read, head, event, {
            state: await this.#current(head, event, before),
            createEvent,
          })
        : undefined
    const isRefused = rejected !== undefined || softFailed !== undefined
    if (isRefused && !stored.softFailed) {
      const { generation } = stored
      statements.push(
        ...context.write.events.place({
          ...{ nid, position, rejected: rejected?.message, softFailed: softFailed !== undefined },
          ...{ authNids: [], generation },
        }),
        ...unprojected(context.write, [stored]),
      )
      const reason = (rejected ?? softFailed)?.message
      context.log.info({ room: event.roomId, event: event.eventId, reason }, 'refused after all')
    }
    return { stored, statements, isRefused: isRefused || stored.softFailed }
  }

  /** The current state when an event came, by what is known now. */
  async #current(head: RoomHead, event: RoomEvent, before: StateOverlay): Promise<StateOverlay> {
    const prev = new Set(event.prevEvents)
    const isLinear = this.ends.length === prev.size && this.ends.every(({ eventId }) => prev.has(eventId))
    return isLinear ? before : stateAfterEnds(this.#writer.context, head, this.ends)
  }

  /** Events as they are judged now: those that were rejected and are allowed count in what follows them. */
  async #found(eventIds: readonly string[]): Promise<Map<string, StoredEvent>> {
    const found = await this.#writer.context.read.events.byIds(eventIds)
    for (const [eventId, one] of found)
      if (this.#restored.has(one.nid)) found.set(eventId, { ...one, rejected: undefined })
    return found
  }

  /** The state before an event by the states after those that it refers to; `undefined` where one of these is not known. */
  async #stateBefore(head: RoomHead, { prevEvents }: RoomEvent): Promise<StateOverlay | undefined> {
    const { context } = this.#writer
    const found = await this.#found(prevEvents)
    const prev = prevEvents.flatMap(eventId => found.get(eventId) ?? [])
    if (prev.length === 0 || prev.length < prevEvents.length) return undefined
    if (prev.some(one => one.position === undefined || head.lacksMembersBefore(one))) return undefined
    const states = await Promise.all(prev.map(one => overlayAfter(context.read, head, one)))
    return resolveStates(context, head, states)
  }

  /** Stores how the state before an event differs from what held in the timeline just before it. */
  #restate(head: RoomHead, nid: number, intervals: StateOverlay, before: StateOverlay): WriteStatement[] {
    const { state } = this.#writer.context.write
    return [state.clearDelta(nid), ...state.delta(nid, differenceOf(head, intervals, before))]
  }
}
