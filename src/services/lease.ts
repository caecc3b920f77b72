import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { CommitResult, Database, Writer, WriteSet } from '../storage/database.ts'
import { Leases } from '../storage/leases.ts'

/** So long a lease holds without being renewed: for so long nobody works after its holder has died. Milliseconds. */
const HOLD_MS = 30_000
const RENEW_MS = 10_000

/** Another process does the work now. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

/** What is given to whoever holds a lease. */
export interface Held {
  /** Aborted when the lease is lost, or given up. */
  readonly signal: AbortSignal
  /** For how long, in milliseconds, nobody has held it; `undefined` if nobody ever did. */
  readonly idleMs: number | undefined
  /** Commits only while the lease is held: throws `LeaseLost` otherwise, and nothing is stored. */
  readonly commit: Writer['commit']
}

/**
 * Work that only one of the processes on a database does at a time (design: "consumers are held by leases in the database
 * with fencing"). On SQLite, whose file belongs to one process, the lease is seized at once: whoever held it is dead.
 */
export class Lease {
  readonly #database: Database
  readonly #leases: Leases
  readonly #lease: { readonly name: string; readonly holder: string }
  readonly #clock: Clock
  readonly #log: Log

  /** `holder` names this process, and no other that ever ran. */
  constructor(parts: { database: Database; name: string; holder: string; clock: Clock; log: Log }) {
    const { name, holder } = parts
    this.#database = parts.database
    this.#leases = new Leases(parts.database)
    this.#lease = { name, holder }
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /**
   * Takes the lease whenever it is free and does the work, which goes on until its signal is aborted; resolves after
   * `closing`. `onWait` is called when another has it.
   */
  async run(
    closing: AbortSignal,
    work: (held: Held) => Promise<void>,
    onWait: () => void = () => undefined,
  ): Promise<void> {
    while (!closing.aborted) {
      try {
        const heldUntil = await this.#leases.heldUntil(this.#lease.name)
        const idleMs = heldUntil === undefined ? undefined : Math.max(0, this.#clock.now() - heldUntil)
        const fence = await this.#take()
        if (fence !== undefined) await this.#hold({ fence, idleMs }, closing, work)
        else onWait()
      } catch (error) {
        if (!(error instanceof LeaseLost)) {
          this.#log.error({ err: error, lease: this.#lease.name }, 'work under a lease failed')
        }
      }
      if (!closing.aborted) await this.#clock.sleep(RENEW_MS, closing).catch(() => undefined)
    }
  }

  async #hold(
    { fence, idleMs }: { fence: number; idleMs: number | undefined },
    closing: AbortSignal,
    work: (held: Held) => Promise<void>,
  ): Promise<void> {
    const ended = new AbortController()
    const signal = AbortSignal.any([closing, ended.signal])
    const renewing = this.#renew(fence, signal, () => ended.abort())
    const guard = this.#leases.stillHeld({ ...this.#lease, fence })
    const commit = async ({ statements }: WriteSet): Promise<CommitResult> => {
      const result = await this.#database.commit({ statements: [guard, ...statements] })
      if (result.ok || result.guard !== 'lease') return result
      ended.abort()
      throw new LeaseLost(`another process holds ${this.#lease.name}`)
    }
    try {
      await work({ signal, commit, idleMs })
    } finally {
      ended.abort()
      await renewing
      await this.#database.commit({ statements: [this.#leases.release(this.#lease, this.#clock.now())] })
    }
  }

  async #renew(fence: number, signal: AbortSignal, onLost: () => void): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(RENEW_MS, signal).catch(() => undefined)
      if (signal.aborted) return
      try {
        if ((await this.#take()) !== fence) {
          this.#log.warn({ lease: this.#lease.name }, 'another process has taken a lease')
          onLost()
        }
      } catch (error) {
        this.#log.error({ err: error, lease: this.#lease.name }, 'a lease could not be renewed')
      }
    }
  }

  /** The fence, if the lease is ours. */
  async #take(): Promise<number | undefined> {
    const now = this.#clock.now()
    const isOurs = this.#database.dialect.name === 'sqlite'
    const span = { now: isOurs ? Number.MAX_SAFE_INTEGER : now, until: now + HOLD_MS }
    const taken = await this.#database.commit({
      statements: [this.#leases.take(this.#lease, span, 'lease')],
    })
    const fence = taken.ok ? taken.returned['lease']?.[0]?.['fence'] : undefined
    return fence === undefined ? undefined : Number(fence)
  }
}
