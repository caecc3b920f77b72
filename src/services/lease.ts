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

/** Whoever has lost its connection to the database, and not its life, has another after so long. Milliseconds. */
const RECONNECTED_MS = 3_000
const MARKED = /\.(\d+)$/

/** The name of a holder by which others see when it is gone: `mark` as of its `Database`. */
export const nameWithMark = (id: string, mark: number | undefined): string =>
  mark === undefined ? id : `${id}.${mark}`

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
  /** Who held it at the last look and was gone, and since when that has been so by this clock. */
  #gone: { readonly holder: string; readonly since: number } | undefined

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
        const held = await this.#leases.held(this.#lease.name)
        const now = this.#clock.now()
        const idleMs = held && Math.max(0, now - held.until)
        const isFree = this.#isAlone || held === undefined || held.until <= now
        const isLeft =
          !isFree && (this.#isAbandoned(held.until, now) || (await this.#isOrphaned(held.holder)))
        const fence = isFree || isLeft ? await this.#take(Math.max(now, held?.until ?? now)) : undefined
        if (fence === undefined) onWait()
        else {
          this.#gone = undefined
          await this.#hold({ fence, idleMs }, closing, work)
        }
      } catch (error) {
        if (!(error instanceof LeaseLost)) {
          this.#log.error({ err: error, lease: this.#lease.name }, 'work under a lease failed')
          // That it is free is its own news now: whoever heeded that would fail again and again without a pause.
          looking = closing
        }
      }
      const look = this.#holdMs / LOOKS
      const pause = this.#gone === undefined ? look : Math.min(look, RECONNECTED_MS)
      if (!closing.aborted) await this.#clock.sleep(pause, looking).catch(() => undefined)
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

  /**
   * Whether its holder has ended without a word, as the only process does that is killed: it is no longer connected to the database, nor was
   * it a moment ago. If it is there all the same, what it still does counts for nothing, as after any change of hands.
   */
  async #isOrphaned(holder: string): Promise<boolean> {
    const mark = MARKED.exec(holder)?.[1]
    const isGone = mark !== undefined && (await this.#database.isGone(Number(mark)))
    const now = this.#clock.now()
    if (!isGone) this.#gone = undefined
    else if (this.#gone?.holder !== holder || now < this.#gone.since) this.#gone = { holder, since: now }
    return this.#gone !== undefined && now - this.#gone.since >= RECONNECTED_MS
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
