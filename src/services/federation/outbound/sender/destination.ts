import { afterFailure, afterInbound, type BackoffState, mayTry } from '../../../../network/backoff.ts'
import { FederationError } from '../../../../network/federation-client.ts'
import { Ephemera } from './ephemera.ts'
import { PendingQueue } from './pending-queue.ts'
import { Portion, refusesContent } from './portion.ts'
import type { SenderContext } from './sender-context.ts'
import { MAX_EDUS, type Outgoing, type PendingEvent } from './transaction.ts'

/** A destination that failed for so long (milliseconds) is sent the newest event of each room only. */
const CATCH_UP_AFTER_MS = 10 * 60_000

/**
 * One other server and what it has not acknowledged yet: when it is tried, with what, and what its answers mean.
 */
export class Destination {
  readonly server: string
  readonly #context: SenderContext
  readonly #ephemera = new Ephemera()
  readonly #pending: PendingQueue
  /**
   * The transaction that is under way, or has failed: "the sending server must wait and retry for a 200 OK response
   * before sending a transaction with a different `txnId`".
   */
  #unacknowledged: Outgoing | undefined
  readonly #portion = new Portion()
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
    this.#pending = new PendingQueue(server, context, known.inDatabase)
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
    return this.#unacknowledged !== undefined || this.#pending.hasWork || this.#ephemera.size > 0
  }

  /** An event for it, which is in the database already. */
  addEvent(event: PendingEvent): void {
    if (this.#backoff === undefined) this.#pending.add(event)
    else this.#pending.giveUpEvents()
    this.wake()
  }

  /** Events for it that are older than what it has got are in the database. */
  addEarlierEvents(): void {
    this.#pending.giveUpEvents()
    this.wake()
  }

  /** A kept EDU for it is in the database. */
  addKeptEdu(): void {
    this.#pending.addKeptEdu()
    this.wake()
  }

  /** An EDU that is dropped rather than sent late. */
  addEphemeral(payload: string, key: string | undefined): void {
    if (this.#backoff !== undefined) return
    this.#ephemera.add(payload, key, this.#context.clock.now())
    this.wake()
  }

  /** The server has asked something of us: it is there again. Answers whether that is news. */
  heardOf(): boolean {
    if (this.#backoff === undefined) return false
    const { clock, policy } = this.#context
    const state = afterInbound(this.#backoff, clock.now(), policy)
    if (state === this.#backoff) return false
    this.#backoff = state
    this.#waiting?.abort()
    return true
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
    const transaction = this.#unacknowledged ?? (await this.#next())
    const { events, edus, payloads } = transaction
    const kept = payloads ?? (await this.#context.read.edusAt(this.server, edus))
    const room = MAX_EDUS - edus.length
    const late = this.#portion.isSearching ? [] : this.#ephemera.take(room, this.#context.clock.now())
    if (events.length === 0 && kept.length === 0 && late.length === 0) {
      this.#unacknowledged = undefined
      return
    }
    const { txnId } = transaction
    this.#unacknowledged = { txnId, events, edus }
    await this.#context.transact(this.server, transaction, [...kept, ...late])
    this.#portion.taken()
    await this.#settle(transaction)
  }

  async #next(): Promise<Outgoing> {
    this.#noteAbsence()
    const next = await this.#pending.next(this.#portion.limit)
    return { txnId: this.#context.newTxnId(), ...next }
  }

  /** A transaction needs to be sent no more. */
  async #settle(transaction: Outgoing): Promise<void> {
    const { clock, database, write } = this.#context
    const { events, edus } = transaction
    const rooms = new Map(events.map(({ roomNid, position }) => [roomNid, position]))
    await database.commit({ statements: write.acknowledged(this.server, { rooms, edus, now: clock.now() }) })
    this.#unacknowledged = undefined
    this.#noteAbsence()
    this.#pending.settled(events)
    if (this.#backoff !== undefined) this.#context.onBack(this.server)
    this.#backoff = undefined
  }

  /** Looks for what the peer cannot take among what it refused; answers whether that has been set aside. */
  async #search(error: FederationError): Promise<boolean> {
    const { log, onSetAside } = this.#context
    const refused = this.#unacknowledged
    if (refused === undefined || !refusesContent(error)) return false
    const { events, edus } = refused
    const size = events.length + edus.length
    const then = this.#portion.refused(size, error)
    if (then === 'repeat') return false
    // "Must retry for a 200 OK response before sending a transaction with a different txnId": there will be none.
    this.#unacknowledged = undefined
    if (then === 'split') {
      log.info({ server: this.server, size, err: error }, 'a server refuses a transaction: trying its halves')
      return false
    }
    const facts = { server: this.server, position: events[0]?.position ?? edus[0], err: error }
    log.warn(facts, `a server does not take an ${events.length > 0 ? 'event' : 'EDU'}: it is set aside`)
    onSetAside(events.length > 0 ? 'pdu' : 'edu')
    await this.#settle(refused)
    return true
  }

  /** It is found again after a while. */
  #isNotSetAside(error: unknown): false {
    this.#context.log.error({ server: this.server, err: error }, 'what a server does not take stays')
    return false
  }

  #noteAbsence(): void {
    const since = this.#backoff?.firstFailedAt
    if (since !== undefined && this.#context.clock.now() - since >= CATCH_UP_AFTER_MS) this.#pending.catchUp()
  }

  async #failed(error: unknown): Promise<void> {
    const { clock, policy, fraction, database, write, log } = this.#context
    const isRefusal = error instanceof FederationError
    if (isRefusal && (await this.#search(error).catch(cause => this.#isNotSetAside(cause)))) return
    const attempt = {
      now: clock.now(),
      random: fraction(),
      retryAfterMs: isRefusal ? error.retryAfterMs : undefined,
    }
    const after = afterFailure(this.#backoff, attempt, policy)
    // While the culprit is looked for, the peer is there: each step waits as after a first failure.
    this.#backoff = this.#portion.isSearching
      ? { ...after, retryAt: Math.min(after.retryAt, clock.now() + policy.initialMs) }
      : after
    this.#pending.giveUpEvents()
    this.#pending.addKeptEdu()
    this.#ephemera.clear()
    const { failures, retryAt } = this.#backoff
    const fields = { server: this.server, failures, retryAt, err: error }
    if (failures === 1) log.info(fields, 'a server does not take what is sent to it')
    else log.debug(fields, 'a server still does not take what is sent to it')
    await database
      .commit({ statements: [write.failed({ server: this.server, ...this.#backoff })] })
      .catch(cause => log.error({ server: this.server, err: cause }, 'a failure could not be noted'))
  }

  /** The operator does not want to talk to it any more. */
  async #forget(): Promise<void> {
    const { database, write } = this.#context
    await database.commit({ statements: write.drop(this.server) })
    this.#pending.clear()
    this.#unacknowledged = undefined
    this.#ephemera.clear()
    this.#backoff = undefined
  }
}
