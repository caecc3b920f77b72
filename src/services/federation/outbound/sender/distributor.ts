import type { Clock } from '../../../../core/clock.ts'
import type { Log } from '../../../../core/log.ts'
import type { Reader, Writer } from '../../../../storage/database.ts'
import type { OutboxReader, PendingRoom } from '../../../../storage/federation/outbox-reader.ts'
import type { OutboxWriter } from '../../../../storage/federation/outbox-writer.ts'
import { LeaseLost } from '../../../lease.ts'
import type { Newcomers } from './newcomers.ts'
import type { Addressed, Recipients } from './recipients.ts'

const BATCH = 200
/** Where the stream stands, and where it is noted what is to be sent. */
type Following = Writer & Pick<Reader, 'position'>

/** After the database has failed, in milliseconds. */
const PAUSE_MS = 1_000
/** Without anything to send, how far we are is written down this rarely (in positions). */
const NOTE_EVERY = 1_000

/**
 * Follows the stream of events from the position that is stored, and notes in the database which servers are to get
 * what, together with the new position: nothing is forgotten and nothing is noted twice, whenever the process ends.
 */
export class Distributor {
  readonly #database: Following
  readonly #read: OutboxReader
  readonly #write: OutboxWriter
  readonly #recipients: Recipients
  readonly #newcomers: Newcomers
  readonly #clock: Clock
  readonly #log: Log
  readonly #deliver: (addressed: readonly Addressed[]) => void
  readonly #deliverEarlier: (servers: ReadonlySet<string>) => void
  #wake: (() => void) | undefined

  constructor(parts: {
    database: Following
    read: OutboxReader
    write: OutboxWriter
    recipients: Recipients
    newcomers: Newcomers
    clock: Clock
    log: Log
    /** Called once it is noted what is to be sent. */
    deliver: (addressed: readonly Addressed[]) => void
    /** The same for servers that are to get what is older than what they have got. */
    deliverEarlier: (servers: ReadonlySet<string>) => void
  }) {
    this.#database = parts.database
    this.#read = parts.read
    this.#write = parts.write
    this.#recipients = parts.recipients
    this.#newcomers = parts.newcomers
    this.#clock = parts.clock
    this.#log = parts.log
    this.#deliver = parts.deliver
    this.#deliverEarlier = parts.deliverEarlier
  }

  /** Runs until closing. */
  async run(closing: AbortSignal): Promise<void> {
    const stop = this.#database.onCommit(moved => {
      if (moved.has('events')) this.#wake?.()
    })
    closing.addEventListener('abort', () => this.#wake?.(), { once: true })
    let at: { done: number; noted: number } | undefined
    while (!closing.aborted) {
      try {
        if (at === undefined) {
          const stored = await this.#read.distributed()
          at = { done: stored, noted: stored }
        }
        if (at.done >= this.#database.position('events')) await this.#news(at.done, closing)
        else at = await this.#step(at)
      } catch (error) {
        if (error instanceof LeaseLost) break
        this.#log.error({ err: error }, 'events could not be distributed to other servers')
        await this.#clock.sleep(PAUSE_MS, closing).catch(() => undefined)
      }
    }
    stop()
  }

  async #step({ done, noted }: { done: number; noted: number }): Promise<{ done: number; noted: number }> {
    const now = this.#database.position('events')
    const rows = await this.#read.events(done, now, BATCH)
    const upTo = rows.length < BATCH ? now : (rows.at(-1)?.position ?? now)
    const addressed = (await this.#recipients.address(rows)).filter(({ servers }) => servers.length > 0)
    const greetings = await this.#newcomers.greetings(done, upTo)
    if (addressed.length === 0 && greetings.length === 0 && upTo - noted < NOTE_EVERY)
      return { done: upTo, noted }
    const pending = [...this.#write.addRooms(pendingOf(addressed)), ...this.#write.addEarlier(greetings)]
    await this.#database.commit({ statements: [...pending, this.#write.distributed(upTo)] })
    this.#deliver(addressed)
    if (greetings.length > 0) this.#deliverEarlier(new Set(greetings.map(({ server }) => server)))
    return { done: upTo, noted: upTo }
  }

  /** Waits for events beyond a position. */
  #news(position: number, closing: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
      if (closing.aborted || this.#database.position('events') > position) resolve()
    })
  }
}

/** One row for each server and room. */
const pendingOf = (addressed: readonly Addressed[]): (PendingRoom & { server: string })[] => {
  const rows = new Map<string, PendingRoom & { server: string }>()
  for (const { stored, position, servers } of addressed) {
    const { roomNid } = stored
    for (const server of servers) {
      const key = `${roomNid} ${server}`
      const since = rows.get(key)?.since ?? position
      rows.set(key, { server, roomNid, since, newest: position })
    }
  }
  return [...rows.values()]
}
