import type { AppService } from '../../core/app-service.ts'
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { AppServiceClient } from '../../network/app-service-client.ts'
import { afterFailure, afterInbound, type BackoffPolicy, type BackoffState } from '../../network/backoff.ts'
import {
  AppServiceReader,
  type AppServiceTransaction,
  AppServiceWriter,
} from '../../storage/appservices/app-services.ts'
import type { Database } from '../../storage/database.ts'
import type { Held, Lease } from '../lease.ts'
import { AppServiceOutbox, FOLLOWED, type OutboxParts } from './outbox.ts'

/** "The homeserver SHOULD backoff exponentially until the application service is reachable again." */
const BACKOFF: BackoffPolicy = { initialMs: 1_000, factor: 2, maxMs: 10 * 60_000, jitter: 0.2 }
/** While nothing is for a service, how far it was told is written down after so many looks. */
const NOTE_EVERY = 1_000

/**
 * Tells one service everything that is for it, one transaction after another; of several processes on a database one does. A transaction is stored before it is sent
 * and stays the same until it is acknowledged: "homeservers MUST NOT alter … events they were going to send within that
 * transaction ID on retries".
 */
export class AppServiceWorker {
  readonly #service: AppService
  readonly #db: Database
  readonly #client: AppServiceClient
  readonly #clock: Clock
  readonly #log: Log
  readonly #random: (size: number) => Uint8Array
  readonly #read: AppServiceReader
  readonly #write: AppServiceWriter
  readonly #parts: OutboxParts
  readonly #lease: Lease
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined
  #wake: (() => void) | undefined
  #waiting: AbortController | undefined
  #backoff: BackoffState | undefined
  #skipped = 0
  /** Since what is under way was sent. */
  #isHeardOf = false

  constructor(
    service: AppService,
    parts: OutboxParts & { readonly client: AppServiceClient; readonly clock: Clock; readonly log: Log },
  ) {
    const { db, random } = parts.context
    this.#service = service
    this.#db = db
    this.#client = parts.client
    this.#clock = parts.clock
    this.#log = parts.log.child({ service: service.id })
    this.#random = random
    this.#read = new AppServiceReader(db)
    this.#write = new AppServiceWriter(db)
    this.#parts = parts
    this.#lease = parts.context.processes.lease(`appservice ${service.id}`)
  }

  /** Goes on where the last process ended. */
  start(): void {
    this.#running ??= this.#lease.run(this.#closing.signal, held => this.#lead(held))
  }

  /** Ends what is under way; it is sent again after the next start. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake?.()
    await this.#running
  }

  /**
   * The service has been heard of: what waits for it is tried at once, again if it is being tried. If it only talks as yet, as one that
   * starts, it is tried again soon.
   */
  isAlive(): void {
    this.#isHeardOf = true
    if (this.#backoff !== undefined) this.#backoff = afterInbound(this.#backoff, this.#clock.now(), BACKOFF)
    this.#waiting?.abort()
  }

  /** Tells the service until another process does, or the worker is closed. */
  async #lead({ signal, commit }: Held): Promise<void> {
    // What another process has told in the meantime is in the database.
    const outbox = new AppServiceOutbox(this.#service, this.#parts, () => this.#wake?.())
    const stop = this.#db.onCommit(moved => {
      if (FOLLOWED.some(name => moved.has(name))) this.#wake?.()
    })
    const woken = (): void => this.#wake?.()
    signal.addEventListener('abort', woken)
    const turn: Turn = { outbox, signal, commit }
    while (!signal.aborted) {
      try {
        const transaction = (await this.#read.transaction(this.#service.id)) ?? (await this.#next(turn))
        if (transaction !== undefined) await this.#deliver(transaction, turn)
      } catch (error) {
        if (!signal.aborted) await this.#pause(error, signal)
      }
    }
    signal.removeEventListener('abort', woken)
    stop()
    outbox.close()
  }

  /** The next transaction, stored; waits for news where there is none. */
  async #next({ outbox, signal, commit }: Turn): Promise<AppServiceTransaction | undefined> {
    if (!outbox.hasNews) await this.#news(outbox, signal)
    if (signal.aborted) return undefined
    const { body, statements, reached } = await outbox.gather()
    if (body === undefined) {
      this.#skipped += 1
      if (this.#skipped >= NOTE_EVERY) {
        await commit({ statements })
        this.#skipped = 0
      }
      outbox.reached(reached)
      return undefined
    }
    const txnId = Buffer.from(this.#random(18)).toString('base64url')
    const begin = this.#write.begin(this.#service.id, { txnId, body }, this.#clock.now())
    const committed = await commit({ statements: [begin, ...statements] })
    if (!committed.ok) return undefined
    this.#skipped = 0
    outbox.reached(reached)
    return { txnId, body }
  }

  async #deliver({ txnId, body }: AppServiceTransaction, { signal, commit }: Turn): Promise<void> {
    this.#isHeardOf = false
    await this.#client.transaction(this.#service, txnId, body, signal)
    await commit({ statements: [this.#write.done(this.#service.id, txnId)] })
    if (this.#backoff !== undefined) this.#log.info({}, 'the application service takes transactions again')
    this.#backoff = undefined
  }

  #news(outbox: AppServiceOutbox, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
      if (signal.aborted || outbox.hasNews) resolve()
    })
  }

  async #pause(error: unknown, ending: AbortSignal): Promise<void> {
    const random = Buffer.from(this.#random(4)).readUInt32BE() / 2 ** 32
    const now = this.#clock.now()
    if (this.#backoff === undefined) {
      this.#log.warn({ err: error }, 'the application service does not take what is sent to it')
    }
    this.#backoff = afterFailure(this.#backoff, { now, random }, BACKOFF)
    if (this.#isHeardOf) {
      this.#isHeardOf = false
      return
    }
    this.#waiting = new AbortController()
    const signal = AbortSignal.any([this.#waiting.signal, ending])
    await this.#clock.sleep(this.#backoff.retryAt - now, signal).catch(() => undefined)
    this.#waiting = undefined
  }
}

/** What belongs to the time during which this process tells the service. */
interface Turn {
  readonly outbox: AppServiceOutbox
  readonly signal: AbortSignal
  readonly commit: Held['commit']
}
