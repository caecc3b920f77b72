import { setTimeout as sleep } from 'node:timers/promises'
import type { ThrowawayPostgres } from '../scripts/postgres.ts'
import { eventually } from '../src/test-kit/eventually.ts'
import type { PostgresProxy } from '../src/test-kit/postgres-proxy.ts'
import { SeededRandom } from '../src/test-kit/seeded-random.ts'
import type { WorkerProcesses } from '../src/test-kit/worker-processes.ts'

/** Whom troubles befall. */
interface Given {
  readonly here: WorkerProcesses
  /** By which the processes reach their database. */
  readonly line: PostgresProxy
  readonly postgres: ThrowawayPostgres
  readonly workers: number
  /** Decides what happens, and to whom. */
  readonly seed: number
  /** Leases pass on after so long. */
  readonly leaseMs: number
  /** So long a process stands still. */
  readonly pauseMs: number
}

/** What befalls the processes: drawn by lot. */
export class Troubles {
  /** How often each of them came. */
  readonly counts = new Map<string, number>()
  readonly #given: Given
  readonly #dice: SeededRandom

  constructor(given: Given) {
    this.#given = given
    this.#dice = new SeededRandom(given.seed)
  }

  async kill(worker: number): Promise<void> {
    this.#count('killed')
    await this.#listens(worker)
    this.#given.here.signal(worker, 'SIGKILL')
  }

  async standStill(worker: number, forMs = this.#given.pauseMs): Promise<void> {
    this.#count(`stood still for ${forMs / 1_000} s`)
    await this.#listens(worker)
    const pid = this.#given.here.signal(worker, 'SIGSTOP')
    await sleep(forMs)
    this.#given.here.wake(pid)
  }

  cut(): void {
    this.#count('cut off')
    this.#given.line.cut()
  }

  restart(mode: 'fast' | 'immediate'): Promise<void> {
    this.#count(`database restarted: ${mode}`)
    return this.#given.postgres.restart(mode)
  }

  /** Workers are replaced one after another. */
  roll(): void {
    this.#count('rolled')
    this.#given.here.roll()
  }

  async next(): Promise<void> {
    const anyWorker = 1 + this.#dice.below(this.#given.workers)
    const what = this.#dice.fraction()
    if (what < 0.3) return this.kill(anyWorker)
    if (what < 0.4) return this.standStill(anyWorker)
    if (what < 0.55) return this.standStill(anyWorker, this.#given.leaseMs / 2)
    if (what < 0.7) return this.cut()
    if (what < 0.8) return this.restart('fast')
    if (what < 0.9) return this.restart('immediate')
    this.roll()
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  #listens(worker: number): Promise<void> {
    return eventually(`worker ${worker} listens`, () => this.#given.here.pids.has(worker))
  }
}
