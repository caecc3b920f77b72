import type { RoomEvent } from '../../../core/event/event.ts'
import type { Log } from '../../../core/log.ts'
import { DatabaseGaveUp, DatabaseUnavailable } from '../../../storage/database.ts'
import type { Metrics } from '../../metrics/index.ts'
import { receiveAll } from '../../rooms/receive.ts'
import { RoomContended, type RoomWriter } from '../../rooms/room-writer.ts'
import { Arrival } from './arrival.ts'
import { Backlog } from './backlog.ts'
import { Lacking } from './lacking.ts'
import { type MissingEvents, needsOthers, type Outcome } from './missing-events.ts'
import { Postponed } from './postponed.ts'
import { Resumption } from './resumption.ts'
import { receiveShutOut } from './shut-out.ts'
import { Staging } from './staging.ts'

/** What waits in a room: to be judged, and for what other servers are asked. */
interface Queue {
  readonly waiting: Arrival[]
  readonly lacking: Lacking
  isJudging: boolean
}

/** Events of a room that are received in one go. */
const MAX_BATCH = 50
/** After so long, in milliseconds, of asking others for an event they are asked for another server's beside it. */
const LONG_MS = 5_000
/** So long who hands events over waits for what becomes of them. */
const MAX_JUDGING_MS = 2_000

/**
 * Works through what other servers send: per room in the order of its arrival, but that what lacks nothing does not wait for what
 * does; rooms side by side. What is not dealt with soon is staged: the database keeps it until it is.
 */
export class RoomInbox {
  readonly #writer: RoomWriter
  readonly #missing: MissingEvents
  readonly #log: Log
  readonly #metrics: Metrics['federation'] | undefined
  readonly #staging: Staging
  /** What waits in each room that is being worked on. */
  readonly #rooms = new Map<string, Queue>()
  readonly #backlog = new Backlog()
  /** What could not be received for now. */
  readonly #postponed: Postponed<Arrival>
  readonly #resumption: Resumption
  readonly #closing = new AbortController()
  #ordinal = 0

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
    this.#resumption = new Resumption({
      ...{ writer: parts.writer, staging: this.#staging, backlog: this.#backlog, postponed: this.#postponed },
      enqueue: arrival => this.#enqueue(arrival),
    })
  }

  /**
   * Takes events that a server has sent. Resolves once nothing of them can be lost any more, to why some of them are rejected (by
   * event ID), as far as the rooms can tell that soon and without asking others. Throws as `Staging.keep`.
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
    for (const arrival of arrivals) {
      const { event, rejected, failure } = arrival
      if (rejected !== undefined) refusals.set(event.eventId, rejected)
      arrival.failure = undefined
      if (failure !== undefined) this.#postponed.add(arrival)
    }
    return refusals
  }

  /** Answers what waits: the same event may have come from another server. */
  #enqueue(arrival: Arrival): Arrival {
    const { roomId } = arrival.event
    const known = this.#backlog.known(arrival)
    if (known !== undefined) return known
    this.#backlog.add(arrival)
    const queue = this.#rooms.get(roomId) ?? { waiting: [], lacking: new Lacking(), isJudging: false }
    this.#rooms.set(roomId, queue)
    queue.waiting.push(arrival)
    if (!queue.isJudging) void this.#judge(roomId, queue)
    return arrival
  }

  /** Resolves once a server has few enough events waiting to send more. */
  room(origin: string): Promise<void> {
    return this.#backlog.room(origin)
  }

  /** Goes on with what earlier processes have staged. */
  resume(): Promise<void> {
    return this.#resumption.all()
  }

  /** Goes on with what others have received before an instant, but for what is put off here, and what would be too much at a time. */
  async inherit(before: number): Promise<void> {
    await this.#resumption.receivedBefore(before)
  }

  /** Resolves once nothing is waiting and what was dealt with is no longer staged. */
  async idle(): Promise<void> {
    await this.#backlog.empty()
    await this.#staging.settled()
  }

  /** Leaves what is waiting, and what others are asked for, to the next start; resolves once what is being judged is done. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#backlog.close()
    this.#postponed.close()
    await this.idle()
  }

  /** Works through a room's events until there are none, those that wait by then in one go. */
  async #judge(roomId: string, queue: Queue): Promise<void> {
    const { waiting, lacking } = queue
    queue.isJudging = true
    // What arrives in the same moment belongs to the same go.
    await Promise.resolve()
    while (waiting.length > 0) {
      const fresh = await this.#receive(waiting.splice(0, MAX_BATCH))
      lacking.add(fresh)
      if (fresh.length > 0) void this.#ask(roomId, queue)
    }
    queue.isJudging = false
    this.#leave(roomId, queue)
  }

  /** Asks other servers for what events lack, as long as there are some and nobody else does. */
  async #ask(roomId: string, queue: Queue): Promise<void> {
    const { lacking } = queue
    for (let one = lacking.next(); one !== undefined; one = lacking.next()) {
      const arrival = one
      const over = new AbortController()
      this.#writer.context.clock.sleep(LONG_MS, over.signal).then(
        () => {
          lacking.isLong(arrival)
          void this.#ask(roomId, queue)
        },
        () => undefined,
      )
      const { signal } = this.#closing
      const outcome = signal.aborted
        ? undefined
        : await this.#attempt(arrival, this.#missing.receive(arrival.origin, arrival.event, signal))
      over.abort()
      lacking.over(arrival)
      this.#backlog.remove(arrival)
      // It may be all that the others lacked.
      if (outcome !== undefined && outcome.outcome !== 'dropped')
        await lacking.review(MAX_BATCH, some => this.#receive(some))
    }
    this.#leave(roomId, queue)
  }

  /** Forgets a room in which nothing is waiting any more. */
  #leave(roomId: string, queue: Queue): void {
    const isEmpty = !queue.isJudging && queue.lacking.isEmpty
    if (isEmpty && this.#rooms.get(roomId) === queue) this.#rooms.delete(roomId)
  }

  /**
   * Receives events in their order, none of which waits for the commit of the one before; answers those that turn out to lack
   * something.
   */
  async #receive(batch: readonly Arrival[]): Promise<Arrival[]> {
    const events = batch.map(({ event }) => event)
    const received = this.#closing.signal.aborted ? [] : receiveAll(this.#writer, events)
    const lacking = new Set<Arrival>()
    await Promise.all(
      batch.map(async (one, index) => {
        const receiving = received[index]
        const outcome = receiving && (await this.#attempt(one, receiving))
        if (outcome?.outcome === 'rejected') one.rejected = outcome.reason
        one.settle()
        if (outcome !== undefined && needsOthers(outcome)) lacking.add(one)
        else this.#backlog.remove(one)
      }),
    )
    return batch.filter(one => lacking.has(one))
  }

  async #attempt(arrival: Arrival, receiving: Promise<Outcome>): Promise<Outcome | undefined> {
    const { origin, event } = arrival
    const facts = { origin, room: event.roomId, event: event.eventId }
    try {
      const asked = await receiving
      if (needsOthers(asked)) return asked
      const isForNow = asked.outcome === 'dropped' && asked.forNow
      // What was broken off is not one attempt more that has failed: it stays staged.
      if (isForNow && (this.#closing.signal.aborted || this.#postponed.add(arrival))) return asked
      const last = asked.outcome === 'dropped' ? await receiveShutOut(this.#writer, event) : undefined
      const outcome = last ?? asked
      const reason = 'reason' in outcome ? outcome.reason : undefined
      this.#log.debug({ ...facts, outcome: outcome.outcome, reason }, 'event received')
      this.#deal(arrival)
      if (outcome.outcome !== 'duplicate') {
        this.#metrics?.judged(outcome.outcome === 'dropped' ? 'missing' : outcome.outcome)
      }
      return outcome
    } catch (error) {
      if (error instanceof DatabaseUnavailable || error instanceof RoomContended) {
        if (arrival.staged === undefined) arrival.failure = error
        const fate = this.#fateOf(arrival)
        this.#log.error({ ...facts, err: error }, `an event could not be stored, and ${fate}`)
        return undefined
      }
      this.#log.error({ ...facts, err: error }, 'an event could not be received')
      this.#deal(arrival)
      return undefined
    }
  }

  /** What was acknowledged nobody sends again: it is for us to try. */
  #fateOf(arrival: Arrival): string {
    if (arrival.staged === undefined)
      return arrival.failure instanceof DatabaseGaveUp ? 'is tried again' : 'comes again'
    return this.#postponed.add(arrival) ? 'is tried again' : 'is kept for the next start'
  }

  #deal(arrival: Arrival): void {
    arrival.isDone = true
    if (arrival.staged !== undefined) this.#staging.drop(arrival.event)
  }
}
