import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../core/log.ts'
import type { Cluster, Ended, Report, WorkerProcess } from './cluster.ts'
import { EXIT } from './host.ts'

/** A worker that died is replaced after so long; longer each time it does not last. Milliseconds. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** Who has lived for so long has recovered. */
const LASTING_MS = 60_000
/** What does not end by itself in this time is ended. */
const GRACE_MS = 40_000
/** For figures that a worker does not give. */
const FIGURES_MS = 2_000

interface Member {
  readonly process: WorkerProcess
  readonly startedMs: number
  readonly listening: Promise<readonly string[] | undefined>
  readonly exited: Promise<Ended>
  /** Its own name, once it listens. */
  id?: string
  isLeaving: boolean
}

/** Keeps so many workers alive, stops them together, and replaces them one after another. */
export class Supervisor {
  readonly #cluster: Cluster
  readonly #count: number
  readonly #log: Log
  /** Who has each number at the moment. */
  readonly #members = new Map<number, Member>()
  /** All that have not ended: with those that are being replaced. */
  readonly #alive = new Set<Member>()
  readonly #stopping = new AbortController()
  readonly #pending = new Map<number, (figures: object) => void>()
  #queries = 0
  #rolling: Promise<void> | undefined
  #rollAgain = false

  constructor(parts: { cluster: Cluster; count: number; log: Log }) {
    this.#cluster = parts.cluster
    this.#count = parts.count
    this.#log = parts.log
  }

  /**
   * Starts all workers; answers where they listen, or the exit code of one that could not: then all are stopped.
   * The first goes ahead: what there is to prepare (the schema of the database) is prepared once.
   */
  async start(): Promise<{ readonly urls: readonly string[] } | { readonly failed: number }> {
    const first = this.#spawn(1)
    const urls = await first.listening
    if (urls === undefined || this.#stopping.signal.aborted) return this.#fail(first)
    const others = Array.from({ length: this.#count - 1 }, (_, index) => this.#spawn(index + 2))
    for (const other of others) if ((await other.listening) === undefined) return this.#fail(other)
    for (const [number, member] of this.#members) void this.#keep(number, member)
    return { urls }
  }

  /** Stops all workers gracefully; resolves once they have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([...this.#alive].map(member => this.#end(member)))
  }

  /** Replaces the workers one after another: each is told to end once its successor listens, so that nobody is refused. */
  roll(): Promise<void> {
    this.#rollAgain = true
    this.#rolling ??= this.#roll().finally(() => {
      this.#rolling = undefined
    })
    return this.#rolling
  }

  async #roll(): Promise<void> {
    while (this.#rollAgain) {
      this.#rollAgain = false
      for (const number of this.#members.keys()) {
        if (this.#stopping.signal.aborted) return
        const member = this.#members.get(number)
        const successor = this.#spawn(number)
        if ((await successor.listening) === undefined) {
          this.#log.error({ worker: number }, 'a new worker did not start; the old ones go on')
          if (member !== undefined) this.#takeBack(number, member)
          return
        }
        void this.#keep(number, successor)
        if (member !== undefined) await this.#end(member)
        this.#log.info({ worker: number }, 'worker replaced')
      }
    }
  }

  /** A successor has failed. Whoever has died meanwhile was left to it. */
  #takeBack(number: number, member: Member): void {
    this.#members.set(number, member)
    if (!this.#alive.has(member)) void this.#keep(number, member)
  }

  #spawn(number: number): Member {
    const process = this.#cluster.fork(number)
    const listening = Promise.withResolvers<readonly string[] | undefined>()
    const exited = Promise.withResolvers<Ended>()
    const member: Member = {
      ...{ process, startedMs: performance.now(), isLeaving: false },
      listening: listening.promise,
      exited: exited.promise,
    }
    process.onReport(report => {
      if (report.type === 'listening') {
        member.id = report.id
        listening.resolve(report.urls)
      } else this.#hear(process, report)
    })
    this.#alive.add(member)
    process.onExit(ended => {
      if (ended.error !== undefined)
        this.#log.error({ worker: number, err: ended.error }, 'a worker could not be started')
      this.#alive.delete(member)
      listening.resolve(undefined)
      exited.resolve(ended)
    })
    this.#members.set(number, member)
    return member
  }

  /** Replaces a worker that dies, unless somebody else has its number by then. */
  async #keep(number: number, member: Member): Promise<void> {
    let current = member
    let pause = FIRST_PAUSE_MS
    for (;;) {
      const { code, signal } = await current.exited
      if (current.isLeaving || this.#stopping.signal.aborted) return
      const lastedMs = performance.now() - current.startedMs
      if (lastedMs >= LASTING_MS) pause = FIRST_PAUSE_MS
      this.#log.error(
        { worker: number, pid: current.process.pid, ...(signal === undefined ? { code } : { signal }) },
        'a worker has died, and is replaced',
      )
      this.#bury(current)
      await sleep(pause, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      if (this.#stopping.signal.aborted || this.#members.get(number) !== current) return
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS)
      current = this.#spawn(number)
      if ((await current.listening) !== undefined) this.#log.info({ worker: number }, 'worker replaced')
    }
  }

  /** Has what a dead worker held taken over at once. */
  #bury({ id }: Member): void {
    const heir = [...this.#alive].find(one => one.id !== undefined && !one.isLeaving)
    if (id !== undefined) heir?.process.order({ type: 'died', id })
  }

  async #end(member: Member): Promise<void> {
    member.isLeaving = true
    member.process.order({ type: 'stop' })
    const impatience = setTimeout(() => member.process.kill(), GRACE_MS)
    await member.exited
    clearTimeout(impatience)
  }

  async #fail(member: Member): Promise<{ readonly failed: number }> {
    const { code: failed = EXIT.failed } = await member.exited
    await this.stop()
    return { failed }
  }

  #hear(process: WorkerProcess, report: Exclude<Report, { type: 'listening' }>): void {
    if (report.type === 'figures') this.#pending.get(report.query)?.(report.figures)
    else
      void this.#figures().then(figures =>
        process.order({ type: 'all figures', query: report.query, figures }),
      )
  }

  /** The figures of all workers that serve, and give them in time. */
  async #figures(): Promise<object[]> {
    const serving = [...this.#alive].filter(({ id }) => id !== undefined)
    const all = serving.map(async ({ process }) => {
      const query = ++this.#queries
      const { promise, resolve } = Promise.withResolvers<object | undefined>()
      this.#pending.set(query, resolve)
      process.order({ type: 'figures', query })
      const patience = setTimeout(() => resolve(undefined), FIGURES_MS)
      const figures = await promise
      clearTimeout(patience)
      this.#pending.delete(query)
      return figures
    })
    return (await Promise.all(all)).filter(figures => figures !== undefined)
  }
}
