import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { CommitResult, Database, Writer, WriteSet, WriteStatement } from '../storage/database.ts'
import { delegate } from '../storage/delegate.ts'
import { Leases } from '../storage/leases.ts'
import type { Bulletin } from './bulletin.ts'

/** So long a lease holds without being renewed: for so long nobody works after its holder has died. Milliseconds. */
export const LEASE_MS = 30_000
/** It is renewed, or looked whether it has become free, so many times in that time. */
const LOOKS = 3

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
  /** The same database, for the work: what is committed by it is stored only while the lease is held, as by `Held.commit`. */
  readonly database: Database
  readonly #database: Database
  readonly #leases: Leases
  readonly #lease: { readonly name: string; readonly holder: string }
  readonly #clock: Clock
  readonly #log: Log
  readonly #holdMs: number
  readonly #bulletin: Bulletin | undefined
  readonly #onLost: (name: string) => void
  #commit: Writer['commit'] | undefined
  #guard: WriteStatement | undefined
  #look: AbortController | undefined
  /** Until when another was to hold it at the last look, and since when that has been so by this clock. */
  #seen: { readonly heldUntil: number; readonly since: number } | undefined

  /** `holder` names this process, and no other that ever ran; `bulletin`: where it is told that a lease has become free. */
  constructor(parts: {
    database: Database
    name: string
    holder: string
    clock: Clock
    log: Log
    holdMs?: number
    bulletin?: Bulletin
    /** Told when another has taken it that this process believed to hold. */
    onLost?: (name: string) => void
  }) {
    const { name, holder } = parts
    this.#database = parts.database
    this.#leases = new Leases(parts.database)
    this.#holdMs = parts.holdMs ?? LEASE_MS
    this.#bulletin = parts.bulletin
    this.database = {
      ...delegate(parts.database),
      commit: async set => {
        if (this.#commit === undefined) throw new LeaseLost(`nobody here holds ${name}`)
        return this.#commit(set)
      },
    }
    this.#bulletin?.on('lease free', freed => {
      if (freed === name) this.#look?.abort()
    })
    this.#lease = { name, holder }
    this.#onLost = parts.onLost ?? (() => undefined)
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /**
   * The same for what others commit on behalf of the work, as the writer of rooms does: part of their write set, guard
   * `lease`. Throws `LeaseLost` if nobody here holds it.
   */
  get guard(): WriteStatement {
    if (this.#guard === undefined) throw new LeaseLost(`nobody here holds ${this.#lease.name}`)
    return this.#guard
  }

  /**
   * Takes the lease whenever it is free and does the work, which goes on until its signal is aborted; resolves after
   * `closing`. Work that fails is left to others, and tried again later. `onWait` is called when another has it.
   */
  async run(
    closing: AbortSignal,
    work: (held: Held) => Promise<void>,
    onWait: () => void = () => undefined,
  ): Promise<void> {
    while (!closing.aborted) {
      this.#look = new AbortController()
      let looking = AbortSignal.any([closing, this.#look.signal])
      try {
        const heldUntil = await this.#leases.heldUntil(this.#lease.name)
        const now = this.#clock.now()
        const idleMs = heldUntil === undefined ? undefined : Math.max(0, now - heldUntil)
        const isFree = this.#isAlone || heldUntil === undefined || heldUntil <= now
        const fence =
          isFree || this.#isAbandoned(heldUntil, now)
            ? await this.#take(Math.max(now, heldUntil ?? now))
            : undefined
        if (fence !== undefined) await this.#hold({ fence, idleMs }, closing, work)
        else onWait()
      } catch (error) {
        if (!(error instanceof LeaseLost)) {
          this.#log.error({ err: error, lease: this.#lease.name }, 'work under a lease failed')
          // That it is free is its own news now: whoever heeded that would fail again and again without a pause.
          looking = closing
        }
      }
      if (!closing.aborted) await this.#clock.sleep(this.#holdMs / LOOKS, looking).catch(() => undefined)
    }
  }

  get #isAlone(): boolean {
    return this.#database.dialect.name === 'sqlite'
  }

  /**
   * Whether it is held for long, as it seems, and has not been renewed for as long as a lease lasts: by somebody who has ended, and whose
   * clock was ahead of this one, or this one has been set back.
   */
  #isAbandoned(heldUntil: number, now: number): boolean {
    if (this.#seen?.heldUntil !== heldUntil || now < this.#seen.since) this.#seen = { heldUntil, since: now }
    return now - this.#seen.since > this.#holdMs
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
    const commit = async (set: WriteSet): Promise<CommitResult> => {
      const result = await this.#database.commit({ ...set, statements: [guard, ...set.statements] })
      if (result.ok || result.guard !== 'lease') return result
      ended.abort()
      throw new LeaseLost(`another process holds ${this.#lease.name}`)
    }
    this.#commit = commit
    this.#guard = guard
    try {
      await work({ signal, commit, idleMs })
    } finally {
      this.#commit = undefined
      this.#guard = undefined
      ended.abort()
      await renewing
      // Free also by a clock that is behind this one: who hears of it looks at once, and then not for a while.
      const release = this.#leases.release({ ...this.#lease, fence }, this.#clock.now() - this.#holdMs)
      const free = this.#bulletin?.posted('lease free', this.#lease.name) ?? []
      await this.#database.commit({ statements: [release, ...free] })
    }
  }

  async #renew(fence: number, signal: AbortSignal, onLost: () => void): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(this.#holdMs / LOOKS, signal).catch(() => undefined)
      if (signal.aborted) return
      try {
        if ((await this.#take()) !== fence) {
          this.#onLost(this.#lease.name)
          onLost()
        }
      } catch (error) {
        this.#log.error({ err: error, lease: this.#lease.name }, 'a lease could not be renewed')
      }
    }
  }

  /** The fence, if the lease is ours; another's is taken that was to last until `from` at the latest. */
  async #take(from = this.#clock.now()): Promise<number | undefined> {
    const span = {
      now: this.#isAlone ? Number.MAX_SAFE_INTEGER : from,
      until: this.#clock.now() + this.#holdMs,
    }
    const taken = await this.#database.commit({
      statements: [this.#leases.take(this.#lease, span, 'lease')],
    })
    const fence = taken.ok ? taken.returned['lease']?.[0]?.['fence'] : undefined
    return fence === undefined ? undefined : Number(fence)
  }
}
