import type { SenderContext } from './sender-context.ts'
import { MAX_EDUS, MAX_PDUS, type Outgoing, type PendingEvent, readPending } from './transaction.ts'

/** So many events wait in memory for one destination; beyond, they are read from the database again. */
const MAX_IN_MEMORY = 500

/**
 * What one destination is to be sent. What must arrive is in the database; the queue in memory is a copy of its end, or
 * given up (`#complete` false) and read back when it is needed.
 */
export class PendingQueue {
  readonly #server: string
  readonly #context: Pick<SenderContext, 'read' | 'isFor' | 'stickyFor'>
  #queue: PendingEvent[] = []
  #complete: boolean
  #keptEdus: boolean
  /** After a long failure, until nothing is left of it. */
  #catchingUp = false

  /** `inDatabase`: something may be left for it there. */
  constructor(
    server: string,
    context: Pick<SenderContext, 'read' | 'isFor' | 'stickyFor'>,
    inDatabase: boolean,
  ) {
    this.#server = server
    this.#context = context
    this.#complete = !inDatabase
    this.#keptEdus = inDatabase
  }

  get hasWork(): boolean {
    return !this.#complete || this.#queue.length > 0 || this.#keptEdus
  }

  /** An event that is in the database already. */
  add(event: PendingEvent): void {
    if (this.#queue.length >= MAX_IN_MEMORY) this.giveUpEvents()
    else if (this.#complete) this.#queue.push(event)
  }

  /** A kept EDU is in the database. */
  addKeptEdu(): void {
    this.#keptEdus = true
  }

  /** The events are read from the database when they are needed. */
  giveUpEvents(): void {
    this.#queue = []
    this.#complete = false
  }

  /** From here on, until nothing is left, the newest event of each room is enough. */
  catchUp(): void {
    this.#catchingUp = true
  }

  /** At most so many events and EDUs, and no more than a transaction may hold. */
  async next(limit: number): Promise<Omit<Outgoing, 'txnId'>> {
    if (!this.#complete) await this.#readBack()
    const events = this.#queue.slice(0, Math.min(MAX_PDUS, limit))
    const most = Math.min(MAX_EDUS, limit - events.length)
    const edus = this.#keptEdus && most > 0 ? await this.#takeKeptEdus(most) : []
    return { events, edus: edus.map(edu => edu.position), payloads: edus.map(edu => edu.payload) }
  }

  /** These events are not to be sent any more. */
  settled(events: readonly PendingEvent[]): void {
    if (this.#queue[0] === events[0]) this.#queue.splice(0, events.length)
    if (this.#complete && this.#queue.length === 0) this.#catchingUp = false
  }

  /** There is nothing to be sent. */
  clear(): void {
    this.#queue = []
    this.#complete = true
    this.#keptEdus = false
  }

  async #takeKeptEdus(limit: number): Promise<{ position: number; payload: string }[]> {
    // Before reading: what is added from here on is another look's.
    this.#keptEdus = false
    const edus = await this.#context.read.edus(this.#server, limit)
    if (edus.length === limit) this.#keptEdus = true
    return edus
  }

  /** Takes from the database what is to be sent; what arrives in the meantime comes behind it. */
  async #readBack(): Promise<void> {
    const { read, isFor, stickyFor } = this.#context
    this.#queue = []
    this.#complete = true
    const { events, all } = await readPending(read, this.#server, {
      newestOnly: this.#catchingUp,
      isFor: rows => isFor(this.#server, rows),
      stickyFor: (room, limit) => stickyFor(this.#server, room, limit),
    })
    const last = events.at(-1)?.position ?? 0
    // If not all of it fitted, now or in the meantime, what came just now is read back with the rest.
    this.#complete &&= all
    this.#queue = this.#complete ? [...events, ...this.#queue.filter(event => event.position > last)] : events
  }
}
