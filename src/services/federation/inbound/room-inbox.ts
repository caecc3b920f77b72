import type { RoomEvent } from '../../../core/event/event.ts'
import { trustedEvent } from '../../../core/event/format.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { Log } from '../../../core/log.ts'
import { parseJson } from '../../../core/parse-json.ts'
import { DatabaseUnavailable } from '../../../storage/database.ts'
import { InboxReader, InboxWriter, type StagedPdu } from '../../../storage/federation/inbox.ts'
import { Gathering } from '../../gathering.ts'
import type { Metrics } from '../../metrics/index.ts'
import { type Received, receiveAll } from '../../rooms/receive.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'
import type { MissingEvents, Outcome } from './missing-events.ts'
import { Postponed } from './postponed.ts'

/** An event that is staged in the database and waits for its turn. */
export interface Waiting {
  readonly origin: string
  readonly event: RoomEvent
  /** How often it was put off. */
  readonly attempt?: number
  /** Told once why the event is rejected; nothing if it is not, or if that takes other servers to tell. */
  readonly judged?: (rejected: string | undefined) => void
}

/** What waits in a room, and whether the room is busy asking other servers. */
interface Queue {
  readonly waiting: Waiting[]
  isFetching: boolean
}

const RESUME_PAGE = 200
/** Events of a room that are received in one go. */
const MAX_BATCH = 50
/** A server that has so many events waiting is made to wait itself. */
const MAX_WAITING_PER_ORIGIN = 500

/** Works through staged events: per room in the order of their arrival, rooms side by side. */
export class RoomInbox {
  readonly #writer: RoomWriter
  readonly #missing: MissingEvents
  readonly #log: Log
  readonly #metrics: Metrics['federation'] | undefined
  readonly #read: InboxReader
  readonly #write: InboxWriter
  /** What waits in each room that is being worked on. */
  readonly #rooms = new Map<string, Queue>()
  readonly #waitingOf = new Map<string, number>()
  readonly #queued = new Set<string>()
  /** What could not be received for now. */
  readonly #postponed: Postponed<Waiting>
  /** What was dealt with, on its way out of the staged events. */
  readonly #done = new Gathering<Pick<StagedPdu, 'roomId' | 'eventId'>>(rows => this.#clear(rows))
  #released: (() => void)[] = []
  #closed = false

  constructor(parts: {
    writer: RoomWriter
    missing: MissingEvents
    log: Log
    metrics?: Metrics['federation'] | undefined
  }) {
    this.#writer = parts.writer
    this.#missing = parts.missing
    this.#log = parts.log
    this.#metrics = parts.metrics
    this.#read = new InboxReader(parts.writer.context.db)
    this.#write = new InboxWriter(parts.writer.context.db)
    this.#postponed = new Postponed(parts.writer.context.clock, waiting => this.#enqueue(waiting))
  }

  /**
   * Takes events that have just been staged. Resolves to why some of them are rejected (by event ID), as soon as the rooms
   * have judged those for which nobody else has to be asked.
   */
  async add(waiting: readonly Waiting[]): Promise<Map<string, string>> {
    const refusals = new Map<string, string>()
    await Promise.all(
      waiting.map(async one => {
        const rejected = await new Promise<string | undefined>(judged => this.#enqueue({ ...one, judged }))
        if (rejected !== undefined) refusals.set(one.event.eventId, rejected)
      }),
    )
    return refusals
  }

  #enqueue(one: Waiting): void {
    const { eventId, roomId } = one.event
    const key = `${roomId} ${eventId}`
    const queue = this.#rooms.get(roomId)
    if (queue?.isFetching || this.#queued.has(key)) one.judged?.(undefined)
    if (this.#queued.has(key)) return
    this.#queued.add(key)
    this.#count(one.origin, 1)
    if (queue !== undefined) {
      queue.waiting.push(one)
      return
    }
    const fresh = { waiting: [one], isFetching: false }
    this.#rooms.set(roomId, fresh)
    void this.#work(roomId, fresh)
  }

  /** Resolves once a server has few enough events waiting to send more. */
  async room(origin: string): Promise<void> {
    while ((this.#waitingOf.get(origin) ?? 0) >= MAX_WAITING_PER_ORIGIN && !this.#closed) {
      await new Promise<void>(resolve => this.#released.push(resolve))
    }
  }

  /** Goes on with what an earlier process has staged: all of it, or what was received before an instant. */
  async resume(before = Number.POSITIVE_INFINITY): Promise<void> {
    let last: StagedPdu | undefined
    do {
      const page: StagedPdu[] = await this.#read.staged(last, RESUME_PAGE)
      last = page.at(-1)
      for (const staged of page) {
        if (staged.receivedTs >= before) return
        const head = await this.#writer.head(staged.roomId)
        if (head === undefined) {
          // The room is gone since.
          this.#done.add(staged)
          continue
        }
        const pdu = parseJson(staged.json) as JsonObject
        const event = trustedEvent(pdu, staged.eventId, head.version)
        await this.room(staged.origin)
        this.#enqueue({ origin: staged.origin, event })
      }
    } while (last !== undefined && !this.#closed)
  }

  /** Resolves once nothing is waiting and what was dealt with is no longer staged. */
  async idle(): Promise<void> {
    while (this.#queued.size > 0) await new Promise<void>(resolve => this.#released.push(resolve))
    await this.#done.settled()
  }

  /** Leaves what is waiting to the next start; resolves once what is being worked on is done. */
  async close(): Promise<void> {
    this.#closed = true
    this.#postponed.close()
    await this.idle()
  }

  /** Works through a room's events until there are none, those that wait by then in one go. */
  async #work(roomId: string, queue: Queue): Promise<void> {
    const { waiting } = queue
    // What arrives in the same moment belongs to the same go.
    await Promise.resolve()
    while (waiting.length > 0) {
      const batch = waiting.splice(0, MAX_BATCH)
      if (!this.#closed) await this.#receive(batch, queue)
      queue.isFetching = false
      for (const { origin, event, judged } of batch) {
        judged?.(undefined)
        this.#queued.delete(`${roomId} ${event.eventId}`)
        this.#count(origin, -1)
      }
    }
    this.#rooms.delete(roomId)
  }

  /**
   * Receives events in their order. None waits for the commit of the one before; those that turn out to lack something
   * are taken up again afterwards, one by one, since each may be what the next one lacks.
   */
  async #receive(batch: readonly Waiting[], queue: Queue): Promise<void> {
    const received = receiveAll(
      this.#writer,
      batch.map(({ event }) => event),
    )
    const first = await Promise.all(
      batch.map(async (one, index) => {
        const outcome = await this.#attempt(one, received[index] as Promise<Received>)
        one.judged?.(outcome?.outcome === 'rejected' ? outcome.reason : undefined)
        return outcome
      }),
    )
    for (const [index, one] of batch.entries()) {
      const outcome = first[index]
      if (outcome === undefined || !needsOthers(outcome)) continue
      if (this.#closed) return
      queue.isFetching = true
      for (const { judged } of queue.waiting) judged?.(undefined)
      await this.#attempt(one, this.#missing.receive(one.origin, one.event))
    }
  }

  async #attempt(waiting: Waiting, receiving: Promise<Outcome>): Promise<Outcome | undefined> {
    const { origin, event } = waiting
    const facts = { origin, room: event.roomId, event: event.eventId }
    try {
      const outcome = await receiving
      if (needsOthers(outcome)) return outcome
      if (outcome.outcome === 'dropped' && outcome.forNow && this.#postponed.add(waiting)) return outcome
      const reason = 'reason' in outcome ? outcome.reason : undefined
      this.#log.debug({ ...facts, outcome: outcome.outcome, reason }, 'event received')
      this.#done.add({ roomId: event.roomId, eventId: event.eventId })
      if (outcome.outcome !== 'duplicate') {
        this.#metrics?.judged(outcome.outcome === 'dropped' ? 'missing' : outcome.outcome)
      }
      return outcome
    } catch (error) {
      if (error instanceof DatabaseUnavailable) {
        this.#log.error(
          { ...facts, err: error },
          'an event could not be stored, and is kept for the next start',
        )
        return undefined
      }
      this.#log.error({ ...facts, err: error }, 'an event could not be received')
      this.#done.add({ roomId: event.roomId, eventId: event.eventId })
      return undefined
    }
  }

  #count(origin: string, by: number): void {
    const count = (this.#waitingOf.get(origin) ?? 0) + by
    if (count > 0) this.#waitingOf.set(origin, count)
    else this.#waitingOf.delete(origin)
    if (by > 0) return
    const released = this.#released
    this.#released = []
    for (const release of released) release()
  }

  async #clear(rows: readonly Pick<StagedPdu, 'roomId' | 'eventId'>[]): Promise<void> {
    try {
      await this.#writer.context.db.commit({ statements: [this.#write.unstage(rows)] })
    } catch (error) {
      // They are received once more at the next start, and are duplicates then.
      this.#log.warn({ err: error }, 'staged events could not be removed')
    }
  }
}

/** Whether it takes other servers to come to a verdict: nothing is stored yet. */
const needsOthers = (
  outcome: Outcome,
): outcome is Extract<Outcome, { outcome: 'missing' | 'unrecommended' }> =>
  outcome.outcome === 'missing' || outcome.outcome === 'unrecommended'
