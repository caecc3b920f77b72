import { afterFailure, afterInbound, type BackoffState, mayTry } from '../../../../network/backoff.ts'
import { FederationError } from '../../../../network/federation-client.ts'
import { Ephemera } from './ephemera.ts'
import type { SenderContext } from './sender-context.ts'
import { MAX_EDUS, MAX_PDUS, type PendingEvent, readPending } from './transaction.ts'

/** A destination that failed for so long (milliseconds) is sent the newest event of each room only. */
const CATCH_UP_AFTER_MS = 10 * 60_000
/** So many events wait in memory for one destination; beyond, they are read from the database again. */
const MAX_IN_MEMORY = 500

/**
 * One other server and what it has not acknowledged yet. What must arrive is in the database; the queue in memory is a
 * copy of its end, or given up (`#complete` false) and read back when it is needed.
 */
export class Destination {
  readonly server: string
  readonly #context: SenderContext
  readonly #ephemera = new Ephemera()
  #queue: PendingEvent[] = []
  #complete: boolean
  #keptEdus: boolean
  /** After a long failure, until nothing is left of it. */
  #catchingUp = false
  #backoff: BackoffState | undefined
  #running: Promise<void> | undefined
  #waiting: AbortController | undefined

  /** `inDatabase`: something may be left for it there. */
  constructor(
    server: string,
    context: SenderContext,
    known: { inDatabase: boolean; backoff?: BackoffState | undefined },
  ) {
    this.server = server
    this.#context = context
    this.#complete = !known.inDatabase
    this.#keptEdus = known.inDatabase
    this.#backoff = known.backoff
  }

  /** Whether nothing needs to be remembered about it. */
  get isIdle(): boolean {
    return this.#running === undefined && this.#backoff === undefined && !this.#hasWork
  }

  /** Settles when its work of now has ended. */
  get settled(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  get #hasWork(): boolean {
    return !this.#complete || this.#queue.length > 0 || this.#keptEdus || this.#ephemera.size > 0
  }

  /** An event for it, which is in the database already. */
  addEvent(event: PendingEvent): void {
    if (this.#backoff !== undefined || this.#queue.length >= MAX_IN_MEMORY) this.#giveUpMemory()
    else if (this.#complete) this.#queue.push(event)
    this.wake()
  }

  /** A kept EDU for it is in the database. */
  addKeptEdu(): void {
    this.#keptEdus = true
    this.wake()
  }

  /** An EDU that is dropped rather than sent late. */
  addEphemeral(payload: string, key: string | undefined): void {
    if (this.#backoff !== undefined) return
    this.#ephemera.add(payload, key, this.#context.clock.now())
    this.wake()
  }

  /** The server has asked something of us: it is there again. */
  heardOf(): void {
    if (this.#backoff === undefined) return
    const { clock, policy } = this.#context
    const state = afterInbound(this.#backoff, clock.now(), policy)
    if (state === this.#backoff) return
    this.#backoff = state
    this.#waiting?.abort()
  }

  wake(): void {
    if (this.#running !== undefined || !this.#hasWork || this.#context.closing.aborted) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      // Something may have come between the last look and now.
      if (this.#hasWork) this.wake()
      else this.#context.onIdle(this)
    })
  }

  async #run(): Promise<void> {
    const { clock, closing, lanes } = this.#context
    while (this.#hasWork && !closing.aborted) {
      if (!mayTry(this.#backoff, clock.now())) {
        await this.#pause((this.#backoff?.retryAt ?? 0) - clock.now())
        continue
      }
      await lanes.run(this.#backoff !== undefined, async () => {
        if (!closing.aborted) await this.#attempt()
      })
    }
  }

  /** Waits until it may be tried again, it is heard of, or the sender closes. */
  async #pause(ms: number): Promise<void> {
    const { clock, closing } = this.#context
    this.#waiting = new AbortController()
    const signal = AbortSignal.any([this.#waiting.signal, closing])
    await clock.sleep(ms, signal).catch(() => undefined)
    this.#waiting = undefined
  }

  async #attempt(): Promise<void> {
    const { log, closing } = this.#context
    try {
      if (!this.#context.permits(this.server)) return await this.#forget()
      await this.#sendOne()
    } catch (error) {
      if (closing.aborted) return
      if (!(error instanceof FederationError)) {
        log.error({ server: this.server, err: error }, 'sending to another server failed on our side')
      }
      await this.#failed(error)
    }
  }

  /** Sends one transaction and notes that it arrived. */
  async #sendOne(): Promise<void> {
    const { clock, database, write, transact } = this.#context
    if (!this.#complete) await this.#readBack()
    const events = this.#queue.slice(0, MAX_PDUS)
    const kept = this.#keptEdus ? await this.#takeKeptEdus() : []
    const edus = [
      ...kept.map(edu => edu.payload),
      ...this.#ephemera.take(MAX_EDUS - kept.length, clock.now()),
    ]
    const nids = events.map(event => event.nid).filter(nid => nid !== undefined)
    if (nids.length > 0 || edus.length > 0) await transact(this.server, { nids, edus })
    else if (events.length === 0) return
    const rooms = new Map(events.map(({ roomNid, position }) => [roomNid, position]))
    const what = { rooms, edus: kept.map(edu => edu.position), now: clock.now() }
    await database.commit({ statements: write.acknowledged(this.server, what) })
    this.#queue.splice(0, events.length)
    this.#backoff = undefined
    if (kept.length === MAX_EDUS) this.#keptEdus = true
    if (this.#complete && this.#queue.length === 0) this.#catchingUp = false
  }

  async #takeKeptEdus(): Promise<{ position: number; payload: string }[]> {
    // Before reading: what is added from here on is another look's.
    this.#keptEdus = false
    return this.#context.read.edus(this.server, MAX_EDUS)
  }

  /** Takes from the database what is to be sent; what arrives in the meantime comes behind it. */
  async #readBack(): Promise<void> {
    const { clock, read, isFor } = this.#context
    this.#queue = []
    this.#complete = true
    const since = this.#backoff?.firstFailedAt
    if (since !== undefined && clock.now() - since >= CATCH_UP_AFTER_MS) this.#catchingUp = true
    const { events, all } = await readPending(read, this.server, {
      newestOnly: this.#catchingUp,
      isFor: rows => isFor(this.server, rows),
    })
    const last = events.at(-1)?.position ?? 0
    // If not all of it fitted, now or in the meantime, what came just now is read back with the rest.
    this.#complete &&= all
    this.#queue = this.#complete ? [...events, ...this.#queue.filter(event => event.position > last)] : events
  }

  async #failed(error: unknown): Promise<void> {
    const { clock, policy, fraction, database, write, log } = this.#context
    const retryAfterMs = error instanceof FederationError ? error.retryAfterMs : undefined
    const attempt = { now: clock.now(), random: fraction(), retryAfterMs }
    this.#backoff = afterFailure(this.#backoff, attempt, policy)
    this.#giveUpMemory()
    this.#keptEdus = true
    this.#ephemera.clear()
    const { failures, retryAt } = this.#backoff
    const fields = { server: this.server, failures, retryAt, err: error }
    if (failures === 1) log.info(fields, 'a server does not take what is sent to it')
    else log.debug(fields, 'a server still does not take what is sent to it')
    await database
      .commit({ statements: [write.failed({ server: this.server, ...this.#backoff })] })
      .catch(cause => log.error({ server: this.server, err: cause }, 'a failure could not be noted'))
  }

  #giveUpMemory(): void {
    this.#queue = []
    this.#complete = false
  }

  /** The operator does not want to talk to it any more. */
  async #forget(): Promise<void> {
    const { database, write } = this.#context
    await database.commit({ statements: write.drop(this.server) })
    this.#queue = []
    this.#complete = true
    this.#keptEdus = false
    this.#ephemera.clear()
    this.#backoff = undefined
  }
}
