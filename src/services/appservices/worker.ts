import type { AppService } from '../../core/app-service.ts'
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { AppServiceClient } from '../../network/app-service-client.ts'
import { afterFailure, type BackoffPolicy, type BackoffState } from '../../network/backoff.ts'
import {
  AppServiceReader,
  type AppServiceTransaction,
  AppServiceWriter,
} from '../../storage/appservices/app-services.ts'
import type { Database } from '../../storage/database.ts'
import { AppServiceOutbox, FOLLOWED, type OutboxParts } from './outbox.ts'

/** "The homeserver SHOULD backoff exponentially until the application service is reachable again." */
const BACKOFF: BackoffPolicy = { initialMs: 1_000, factor: 2, maxMs: 10 * 60_000, jitter: 0.2 }
/** While nothing is for a service, how far it was told is written down after so many looks. */
const NOTE_EVERY = 1_000

/**
 * Tells one service everything that is for it, one transaction after another. A transaction is stored before it is sent
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
  readonly #outbox: AppServiceOutbox
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined
  #wake: (() => void) | undefined
  #waiting: AbortController | undefined
  #backoff: BackoffState | undefined
  #skipped = 0

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
    this.#outbox = new AppServiceOutbox(service, parts, () => this.#wake?.())
  }

  /** Goes on where the last process ended. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends what is under way; it is sent again after the next start. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake?.()
    await this.#running
  }

  /** The service has been heard of: what waits for it is tried at once. */
  isAlive(): void {
    this.#waiting?.abort()
  }

  async #run(): Promise<void> {
    const stop = this.#db.onCommit(moved => {
      if (FOLLOWED.some(name => moved.has(name))) this.#wake?.()
    })
    while (!this.#closing.signal.aborted) {
      try {
        const transaction = (await this.#read.transaction(this.#service.id)) ?? (await this.#next())
        if (transaction !== undefined) await this.#deliver(transaction)
      } catch (error) {
        if (!this.#closing.signal.aborted) await this.#pause(error)
      }
    }
    stop()
  }

  /** The next transaction, stored; waits for news where there is none. */
  async #next(): Promise<AppServiceTransaction | undefined> {
    if (!this.#outbox.hasNews) await this.#news()
    if (this.#closing.signal.aborted) return undefined
    const { body, statements, reached } = await this.#outbox.gather()
    if (body === undefined) {
      this.#skipped += 1
      if (this.#skipped >= NOTE_EVERY) {
        await this.#db.commit({ statements })
        this.#skipped = 0
      }
      this.#outbox.reached(reached)
      return undefined
    }
    const txnId = Buffer.from(this.#random(18)).toString('base64url')
    const begin = this.#write.begin(this.#service.id, { txnId, body }, this.#clock.now())
    const committed = await this.#db.commit({ statements: [begin, ...statements] })
    // Another process tells the service, and what it tells is in the database.
    if (!committed.ok) return undefined
    this.#skipped = 0
    this.#outbox.reached(reached)
    return { txnId, body }
  }

  async #deliver({ txnId, body }: AppServiceTransaction): Promise<void> {
    await this.#client.transaction(this.#service, txnId, body, this.#closing.signal)
    await this.#db.commit({ statements: [this.#write.done(this.#service.id, txnId)] })
    if (this.#backoff !== undefined) this.#log.info({}, 'the application service takes transactions again')
    this.#backoff = undefined
  }

  #news(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
      if (this.#closing.signal.aborted || this.#outbox.hasNews) resolve()
    })
  }

  async #pause(error: unknown): Promise<void> {
    const random = Buffer.from(this.#random(4)).readUInt32BE() / 2 ** 32
    const now = this.#clock.now()
    if (this.#backoff === undefined) {
      this.#log.warn({ err: error }, 'the application service does not take what is sent to it')
    }
    this.#backoff = afterFailure(this.#backoff, { now, random }, BACKOFF)
    this.#waiting = new AbortController()
    const signal = AbortSignal.any([this.#waiting.signal, this.#closing.signal])
    await this.#clock.sleep(this.#backoff.retryAt - now, signal).catch(() => undefined)
    this.#waiting = undefined
  }
}
