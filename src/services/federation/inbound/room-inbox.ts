import type { RoomEvent } from '../../../core/event/event.ts'
import { trustedEvent } from '../../../core/event/format.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { Log } from '../../../core/log.ts'
import { parseJson } from '../../../core/parse-json.ts'
import { DatabaseUnavailable } from '../../../storage/database.ts'
import type { StagedPdu } from '../../../storage/federation/inbox.ts'
import type { Metrics } from '../../metrics/index.ts'
import { type Received, receiveAll } from '../../rooms/receive.ts'
import { RoomContended, type RoomWriter } from '../../rooms/room-writer.ts'
import { Arrival } from './arrival.ts'
import type { MissingEvents, Outcome } from './missing-events.ts'
import { Postponed } from './postponed.ts'
import { Staging } from './staging.ts'

/** What waits in a room, and whether the room is busy asking other servers. */
interface Queue {
  readonly waiting: Arrival[]
  isFetching: boolean
}

/** Events of a room that are received in one go. */
const MAX_BATCH = 50
/** A server that has so many events waiting is made to wait itself. */
const MAX_WAITING_PER_ORIGIN = 500
/** So long who hands events over waits for what becomes of them. */
const MAX_JUDGING_MS = 2_000

/**
 * Works through what other servers send: per room in the order of its arrival, rooms side by side. What is not dealt with soon is
 * staged: the database keeps it until it is.
 */
export class RoomInbox {
  readonly #writer: RoomWriter
  readonly #missing: MissingEvents
  readonly #log: Log
  readonly #metrics: Metrics['federation'] | undefined
  readonly #staging: Staging
  /** What waits in each room that is being worked on. */
  readonly #rooms = new Map<string, Queue>()
  readonly #waitingOf = new Map<string, number>()
  readonly #queued = new Map<string, Arrival>()
  /** What could not be received for now. */
  readonly #postponed: Postponed<Arrival>
  #released: (() => void)[] = []
  #ordinal = 0
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
    this.#staging = new Staging(parts.writer.context.db, parts.log)
    this.#postponed = new Postponed(parts.writer.context.clock, arrival => this.#enqueue(arrival))
  }

  /**
   * Takes events that a server has sent. Resolves once nothing of them can be lost any more, to why some of them are rejected (by
   * event ID), as far as the rooms can tell that soon and without asking others. Throws what kept one of them from being stored.
   */
  async add(origin: string, events: readonly RoomEvent[]): Promise<Map<string, string>> {
    const refusals = new Map<string, string>()
    if (events.length === 0) return refusals
    const { clock } = this.#writer.context
    const receivedTs = clock.now()
    const arrivals = events.map(event =>
      this.#enqueue(new Arrival(origin, event, { receivedTs, ordinal: this.#ordinal++ })),
    )
    const judging = new AbortController()
    const later = clock.sleep(MAX_JUDGING_MS, judging.signal).catch(() => undefined)
    await Promise.race([Promise.all(arrivals.map(({ judged }) => judged)), later])
    judging.abort()
    await this.#staging.keep(arrivals.filter(({ isDone }) => !isDone))
    for (const { event, rejected } of arrivals)
      if (rejected !== undefined) refusals.set(event.eventId, rejected)
    return refusals
  }

  /** Answers what waits: the same event may have come from another server. */
  #enqueue(arrival: Arrival): Arrival {
    const { roomId } = arrival.event
    const queued = this.#queued.get(arrival.key)
    if (queued !== undefined) return queued
    this.#queued.set(arrival.key, arrival)
    this.#count(arrival.origin, 1)
    const queue = this.#rooms.get(roomId)
    if (queue !== undefined) {
      queue.waiting.push(arrival)
      if (queue.isFetching) arrival.settle()
      return arrival
    }
    const fresh = { waiting: [arrival], isFetching: false }
    this.#rooms.set(roomId, fresh)
    void this.#work(roomId, fresh)
    return arrival
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
      const page: StagedPdu[] = await this.#staging.page(last)
      last = page.at(-1)
      for (const staged of page) {
        if (staged.receivedTs >= before) return
        const head = await this.#writer.head(staged.roomId)
        if (head === undefined) {
          // The room is gone since.
          this.#staging.drop(staged)
          continue
        }
        const pdu = parseJson(staged.json) as JsonObject
        const event = trustedEvent(pdu, staged.eventId, head.version)
        await this.room(staged.origin)
        const arrival = new Arrival(staged.origin, event, staged)
        arrival.staged = Promise.resolve()
        this.#enqueue(arrival)
      }
    } while (last !== undefined && !this.#closed)
  }

  /** Resolves once nothing is waiting and what was dealt with is no longer staged. */
  async idle(): Promise<void> {
    while (this.#queued.size > 0) await new Promise<void>(resolve => this.#released.push(resolve))
    await this.#staging.settled()
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
      for (const arrival of batch) {
        arrival.settle()
        this.#queued.delete(arrival.key)
        this.#count(arrival.origin, -1)
      }
    }
    this.#rooms.delete(roomId)
  }

  /**
   * Receives events in their order. None waits for the commit of the one before; those that turn out to lack something
   * are taken up again afterwards, one by one, since each may be what the next one lacks.
   */
  async #receive(batch: readonly Arrival[], queue: Queue): Promise<void> {
    const received = receiveAll(
      this.#writer,
      batch.map(({ event }) => event),
    )
    const first = await Promise.all(
      batch.map(async (one, index) => {
        const outcome = await this.#attempt(one, received[index] as Promise<Received>)
        if (outcome?.outcome === 'rejected') one.rejected = outcome.reason
        one.settle()
        return outcome
      }),
    )
    for (const [index, one] of batch.entries()) {
      const outcome = first[index]
      if (outcome === undefined || !needsOthers(outcome)) continue
      if (this.#closed) return
      queue.isFetching = true
      for (const { settle } of queue.waiting) settle()
      await this.#attempt(one, this.#missing.receive(one.origin, one.event))
    }
  }

  async #attempt(arrival: Arrival, receiving: Promise<Outcome>): Promise<Outcome | undefined> {
    const { origin, event } = arrival
    const facts = { origin, room: event.roomId, event: event.eventId }
    try {
      const outcome = await receiving
      if (needsOthers(outcome)) return outcome
      if (outcome.outcome === 'dropped' && outcome.forNow && this.#postponed.add(arrival)) return outcome
      const reason = 'reason' in outcome ? outcome.reason : undefined
      this.#log.debug({ ...facts, outcome: outcome.outcome, reason }, 'event received')
      this.#deal(arrival)
      if (outcome.outcome !== 'duplicate') {
        this.#metrics?.judged(outcome.outcome === 'dropped' ? 'missing' : outcome.outcome)
      }
      return outcome
    } catch (error) {
      if (error instanceof DatabaseUnavailable || error instanceof RoomContended) {
        arrival.failure = error
        this.#log.error(
          { ...facts, err: error },
          `an event could not be stored, and ${this.#fateOf(arrival)}`,
        )
        return undefined
      }
      this.#log.error({ ...facts, err: error }, 'an event could not be received')
      this.#deal(arrival)
      return undefined
    }
  }

  /** What was acknowledged nobody sends again: it is for us to try. */
  #fateOf(arrival: Arrival): string {
    if (arrival.staged === undefined) return 'comes again'
    return this.#postponed.add(arrival) ? 'is tried again' : 'is kept for the next start'
  }

  #deal(arrival: Arrival): void {
    arrival.isDone = true
    if (arrival.staged !== undefined) this.#staging.drop(arrival.event)
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
}

/** Whether it takes other servers to come to a verdict: nothing is stored yet. */
const needsOthers = (
  outcome: Outcome,
): outcome is Extract<Outcome, { outcome: 'missing' | 'unrecommended' }> =>
  outcome.outcome === 'missing' || outcome.outcome === 'unrecommended'
