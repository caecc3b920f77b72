import { authEventsFor } from '../../../../core/auth/auth-events.ts'
import { authorise } from '../../../../core/auth/authorise.ts'
import { canonicalJsonAsRead } from '../../../../core/canonical-json.ts'
import { type RoomEvent, stateMapKey } from '../../../../core/event/event.ts'
import type { SqlParameter, WriteStatement } from '../../../../storage/database.ts'
import { HistoryStateWriter, type OldestState } from '../../../../storage/federation/history-state.ts'
import type { PowerEvents } from '../../../rooms/append.ts'
import { authRows, judgeOutliers } from '../../../rooms/judge-outliers.ts'
import { tellHere } from '../../../rooms/late-redactions.ts'
import { passEnds } from '../../../rooms/passed-ends.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import type { Draft, RoomsContext, RoomWriter, Settled } from '../../../rooms/room-writer.ts'
import { stickyStatements } from '../../../rooms/sticky-statements.ts'
import { type Ground, groundBeforeAll, groundInGap } from './ground.ts'
import { type PastChange, pastIntervals } from './past-intervals.ts'
import { type PastRedactions, pastRedactions } from './past-redactions.ts'

/** A connected piece of history from just before what is stored. */
export interface HistoryChunk {
  readonly roomId: string
  /** Where the gap begins that it fills, at its upper end (`TimelineGap`); what is older than all that is here has none. */
  readonly base?: number | undefined
  /** Newest first; verified, but for some. */
  readonly events: readonly RoomEvent[]
  /** The IDs of the state events before the oldest of them, all of them stored. */
  readonly stateBefore: readonly string[]
  /** Those that nobody can verify, by event ID, and why: kept as rejected, so that what came before them has a place. */
  readonly unverified?: ReadonlyMap<string, string>
}

/**
 * Stores a chunk of history below what is there, or in a gap: events at positions of the past, the state over them as
 * intervals, and where history stops now. Answers how many events were stored; events that came some other way in the
 * meantime are left alone.
 */
export const storeHistory = async (writer: RoomWriter, chunk: HistoryChunk): Promise<number> => {
  await writer.context.nids.ensure(chunk.events.length)
  const draft = (head: RoomHead) => new HistoryDraft(writer.context, head, chunk).draft()
  // A redaction that is on its way there is not found yet; in a gap it is current state, too, whose intervals are changed.
  const stored = await writer.update(chunk.roomId, draft, { settled: true })
  if (chunk.base !== undefined && stored > 0) await passEnds(writer, chunk.roomId, chunk.events)
  return stored
}

/** An event of the chunk with what was concluded about it. */
interface Placed {
  readonly event: RoomEvent
  readonly nid: number
  /** Whether it was stored before, as somebody's auth event. */
  readonly wasOutlier: boolean
  readonly position: SqlParameter
  rejected: string | undefined
  /** Of a redaction: who had which power before it. */
  powers?: PowerEvents
  /** A redaction that redacts nothing of what is here. */
  withheld?: boolean
}

class HistoryDraft {
  readonly #context: RoomsContext
  readonly #head: RoomHead
  readonly #chunk: HistoryChunk

  constructor(context: RoomsContext, head: RoomHead, chunk: HistoryChunk) {
    this.#context = context
    this.#head = head
    this.#chunk = chunk
  }

  async draft(): Promise<Draft<number> | Settled<number>> {
    const { db } = this.#context
    const [{ base: gap }, roomNid] = [this.#chunk, this.#head.room.nid]
    const ground = await (gap === undefined
      ? groundBeforeAll(this.#context, roomNid)
      : groundInGap(this.#context, roomNid, gap))
    const placed = ground === undefined ? [] : await this.#place(ground)
    if (ground === undefined || placed.length === 0) return { settled: 0 }
    const { stored, base, seam } = ground
    const before = await this.#stateBefore()
    const changes = await this.#roll(placed, before)
    const intervals = pastIntervals({ stored, base, seam, before, changes })
    const redactions = await pastRedactions(this.#context, this.#head, placed)
    for (const one of placed) one.withheld = redactions.withheld.has(one.nid)
    return {
      statements: [
        ...(await this.#eventStatements(placed)),
        ...new HistoryStateWriter(db).write(roomNid, intervals),
        ...(await this.#missingStatements(placed)),
        ...ground.filled(placed.length),
        ...redactions.statements,
        ...this.#stickyStatements(placed),
      ],
      nids: [...placed.map(one => one.nid), ...redactions.touched],
      result: () => {
        this.#settle(placed, redactions)
        return placed.length
      },
    }
  }

  /** Outliers are cached without their new places, redactions and what they redact as they were before that. */
  #settle(placed: readonly Placed[], redactions: PastRedactions): void {
    this.#context.read.events.forget([...placed.map(one => one.nid), ...redactions.touched])
    tellHere(this.#context, { roomNid: this.#head.room.nid, nids: redactions.touched })
  }

  /** Those of the chunk that are not in the timeline and have all of their auth events, with their positions. */
  async #place({ position, room }: Ground): Promise<Placed[]> {
    const { read, nids } = this.#context
    const { events, roomId, unverified } = this.#chunk
    const known = await read.events.byIds([
      ...new Set(events.flatMap(event => [event.eventId, ...event.authEvents])),
    ])
    const fresh = events.filter(event => known.get(event.eventId)?.position === undefined)
    const createNid = this.#head.entry('m.room.create', '')?.nid
    const [create] = createNid === undefined ? [] : await read.events.byNids([createNid])
    if (fresh.length > room) return []
    const judged = await judgeOutliers(fresh, { roomId, createEvent: create?.event, known })
    const storable = new Set([...judged.ordered.map(event => event.eventId), ...(unverified?.keys() ?? [])])
    return fresh
      .filter(event => storable.has(event.eventId))
      .map((event, index) => {
        const { eventId: id } = event
        const outlier = known.get(id)
        return {
          event,
          nid: outlier?.nid ?? nids.next(),
          wasOutlier: outlier !== undefined,
          position: position(index),
          rejected:
            (outlier === undefined ? unverified?.get(id) : outlier.rejected) ?? judged.rejected.get(id),
        }
      })
  }

  async #stateBefore(): Promise<OldestState[]> {
    const stored = await this.#context.read.events.byIds(this.#chunk.stateBefore)
    return [...stored.values()].flatMap(({ event, nid, rejected, roomNid }) =>
      event.stateKey === undefined || rejected !== undefined || roomNid !== this.#head.room.nid
        ? []
        : [{ type: event.type, stateKey: event.stateKey, nid }],
    )
  }

  /**
   * Goes through the chunk from its oldest event, and answers how the state changes. Where an event follows the one
   * before it, the state before it is known exactly, and decides about it too. At forks the events' own auth events,
   * which have been judged, are all there is; the state then follows the order of the timeline.
   */
  async #roll(placed: readonly Placed[], before: readonly OldestState[]): Promise<PastChange[]> {
    const state = new Map(before.map(one => [stateMapKey(one.type, one.stateKey), one.nid]))
    const byNid = new Map(placed.map(one => [one.nid, one.event]))
    const changes: PastChange[] = []
    const stateAt = async (wanted: string): Promise<RoomEvent | undefined> => {
      const nid = state.get(wanted)
      return nid === undefined
        ? undefined
        : (byNid.get(nid) ?? (await this.#context.read.events.byNids([nid]))[0]?.event)
    }
    let previous: Placed | undefined
    for (const one of placed.toReversed()) {
      const { event, nid } = one
      const follows =
        previous === undefined ||
        (event.prevEvents.length === 1 && event.prevEvents[0] === previous.event.eventId)
      previous = one
      if (one.rejected === undefined && follows && event.type !== 'm.room.create') {
        one.rejected = await this.#refusal(event, stateAt)
      }
      if (event.redacts !== undefined) {
        const create = await stateAt(stateMapKey('m.room.create', ''))
        one.powers = { create, powerLevels: await stateAt(stateMapKey('m.room.power_levels', '')) }
      }
      if (event.stateKey === undefined || one.rejected !== undefined) continue
      state.set(stateMapKey(event.type, event.stateKey), nid)
      changes.push({ type: event.type, stateKey: event.stateKey, nid, at: one.position })
    }
    return changes
  }

  async #refusal(
    event: RoomEvent,
    stateAt: (key: string) => Promise<RoomEvent | undefined>,
  ): Promise<string | undefined> {
    const points = [{ type: 'm.room.create', stateKey: '' }, ...authEventsFor(event, this.#head.version)]
    const found = new Map<string, RoomEvent | undefined>()
    for (const { type, stateKey } of points) {
      const key = stateMapKey(type, stateKey)
      found.set(key, await stateAt(key))
    }
    const state = (type: string, stateKey: string) => found.get(stateMapKey(type, stateKey))
    return authorise(event, { state, createEvent: state('m.room.create', '') })?.message
  }

  async #eventStatements(placed: readonly Placed[]): Promise<WriteStatement[]> {
    const { read, write } = this.#context
    const rows = await authRows(
      read,
      placed.map(one => ({
        ...one,
        roomNid: this.#head.room.nid,
        json: canonicalJsonAsRead(one.event.pdu),
      })),
    )
    const fresh = rows.filter(row => !row.wasOutlier)
    const outliers = rows.filter(row => row.wasOutlier).flatMap(row => write.events.place(row))
    return [...(fresh.length === 0 ? [] : write.events.insert(fresh)), ...outliers]
  }

  /** What is sticky still is news, however it came. */
  #stickyStatements(placed: readonly Placed[]): WriteStatement[] {
    const position = { stream: 'events', offset: 0 } as const
    const accepted = placed.filter(one => one.rejected === undefined)
    return stickyStatements(
      this.#context,
      this.#head.room.nid,
      accepted.map(({ event, nid }) => ({ event, nid, position })),
    )
  }

  /** What has come is missing no more; what it refers to in turn is. */
  async #missingStatements(placed: readonly Placed[]): Promise<WriteStatement[]> {
    const { read, write } = this.#context
    const own = new Set(placed.map(({ event }) => event.eventId))
    const referred = [...new Set(placed.flatMap(({ event }) => event.prevEvents))]
    const stored = await read.events.byIds(referred)
    const isHere = (eventId: string): boolean =>
      own.has(eventId) || stored.get(eventId)?.position !== undefined
    const add = placed.flatMap(({ event, nid }) =>
      event.prevEvents.filter(eventId => !isHere(eventId)).map(eventId => ({ eventId, by: nid })),
    )
    return write.rooms.missing(this.#head.room.nid, { add, remove: [...own] })
  }
}
