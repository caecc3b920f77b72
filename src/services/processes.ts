import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Database, WriteStatement } from '../storage/database.ts'
import { Leases } from '../storage/leases.ts'
import { Bulletin } from './bulletin.ts'
import { type Held, LEASE_MS, Lease, nameWithMark } from './lease.ts'

/** Leases that are lost within so long of each other are lost together. Milliseconds. */
const TOLD_TOGETHER_MS = 1_000
/** The last so many processes that have ended are remembered. */
const MAX_GONE = 1_000

/** Work that one process does at a time, and the database handle for what it writes. */
export interface SoleWork {
  /** What is committed by it is stored only while this process is the one that does the work. */
  readonly database: Database
  /**
   * Part of what others commit on behalf of the work, such as events in rooms: fails as guard `lease` where this process no
   * longer does it. Throws `LeaseLost` where that is known already.
   */
  fence(): readonly WriteStatement[]
  /** How the other processes are reached, where there may be others. */
  readonly others: { readonly bulletin: Bulletin; readonly clock: Clock } | undefined
  /** Does the work whenever no other process does; resolves after `closing`. May be called for several parts of it. */
  run(closing: AbortSignal, work: (held: Held) => Promise<void>): Promise<void>
}

/** The processes that share a database, as one of them sees it (design §8: identical processes, any of which does anything). */
export class Processes {
  /** Names this process, and no other that ever ran, with its mark in the database if it has one. */
  readonly id: string
  /** The same as a number that fits into a token; none where there is no other process. */
  readonly number: number | undefined
  /** What the processes tell each other. */
  readonly bulletin: Bulletin
  #lostTs = Number.NEGATIVE_INFINITY
  readonly #gone = new Set<unknown>()
  readonly #parts: {
    readonly database: Database
    readonly clock: Clock
    readonly log: Log
    readonly leaseMs?: number | undefined
  }

  constructor(parts: {
    database: Database
    clock: Clock
    log: Log
    /** How long a lease holds without being renewed. Milliseconds; 30 s by default. */
    leaseMs?: number | undefined
  }) {
    this.#parts = parts
    this.id = nameWithMark(randomUUID(), parts.database.mark)
    this.bulletin = new Bulletin(parts)
    this.number = this.bulletin.isAlone ? undefined : numberOf(this.id)
    if (this.bulletin.isAlone) return
    const hear = (number: unknown): void => {
      this.#gone.add(number)
      const [first] = this.#gone
      if (this.#gone.size > MAX_GONE) this.#gone.delete(first)
    }
    this.bulletin.on('process gone', hear, { replayed: true })
  }

  /** Whether a process, named by its number, is known to have ended. Of others nothing is known. */
  isGone(number: number): boolean {
    return this.#gone.has(number)
  }

  /** Work that one of the processes does: nothing but itself where this one is alone. */
  soleWork(name: string): SoleWork {
    const { database } = this.#parts
    return this.bulletin.isAlone
      ? aloneWith(database)
      : new LeasedWork(this.lease(name), { bulletin: this.bulletin, clock: this.#parts.clock })
  }

  /** A lease that also a process takes which is alone, to know how long nobody has held it. */
  lease(name: string): Lease {
    const { database, clock, log, leaseMs } = this.#parts
    const { id: holder, bulletin } = this
    return new Lease({
      ...{ database, name, holder, clock, log, bulletin },
      ...(leaseMs === undefined ? {} : { holdMs: leaseMs }),
      onLost: lost => this.#hasLost(lost),
    })
  }

  /** A process that stood still has lost all its leases together, which is one thing to be told. */
  #hasLost(lease: string): void {
    const { clock, log } = this.#parts
    if (clock.now() - this.#lostTs > TOLD_TOGETHER_MS)
      log.warn({ lease }, 'stood still for too long: other processes have taken over what this one did')
    this.#lostTs = clock.now()
  }

  /** Has others take over at once whatever a process held that has certainly died. */
  async hasDied(id: string): Promise<void> {
    const { database, clock } = this.#parts
    // Free also by clocks that are behind this one.
    const release = new Leases(database).releaseAll(id, clock.now() - LEASE_MS, 'freed')
    const committed = await database.commit({ statements: [release] })
    const freed = committed.ok ? (committed.returned['freed'] ?? []) : []
    await Promise.all([
      this.bulletin.post('process gone', numberOf(id)),
      ...freed.map(({ name }) => this.bulletin.post('lease free', name)),
    ])
  }

  async close(): Promise<void> {
    if (this.number !== undefined) void this.bulletin.post('process gone', this.number)
    await this.bulletin.close()
  }
}

const numberOf = (id: string): number => Number.parseInt(id.slice(0, 8), 16)

/** What is done where no other process can do it. */
export const aloneWith = (database: Database): SoleWork => ({
  database,
  fence: () => [],
  others: undefined,
  run: (closing, work) => work({ signal: closing, idleMs: undefined, commit: set => database.commit(set) }),
})

/** The parts of a work that go together under one lease. */
class LeasedWork implements SoleWork {
  readonly others: NonNullable<SoleWork['others']>
  readonly #lease: Lease
  readonly #parts: { readonly closing: AbortSignal; readonly work: (held: Held) => Promise<void> }[] = []
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined

  constructor(lease: Lease, others: NonNullable<SoleWork['others']>) {
    this.#lease = lease
    this.others = others
  }

  get database(): Database {
    return this.#lease.database
  }

  fence(): readonly WriteStatement[] {
    return [this.#lease.guard]
  }

  run(closing: AbortSignal, work: (held: Held) => Promise<void>): Promise<void> {
    this.#parts.push({ closing, work })
    closing.addEventListener('abort', () => {
      if (this.#parts.every(part => part.closing.aborted)) this.#closing.abort()
    })
    // The parts of a work are started one after another, in the same turn.
    this.#running ??= Promise.resolve().then(() =>
      this.#lease.run(this.#closing.signal, held => this.#all(held)),
    )
    return this.#running
  }

  async #all(held: Held): Promise<void> {
    await Promise.all(
      this.#parts.map(({ closing, work }) =>
        work({ ...held, signal: AbortSignal.any([held.signal, closing]) }),
      ),
    )
  }
}
