import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Processes } from '../processes.ts'
import type { Inbound } from './inbound/index.ts'
import type { Outbound } from './outbound/index.ts'

/** How often what is remembered for a while is looked through. */
const HOUSEKEEPING_MS = 60 * 60_000
/** What a process has acknowledged and not worked off for so long, another goes on with. */
const INHERITED_MS = 60_000

/** What goes on in federation without being asked for: what was acknowledged is worked off, what is due is sent, old memory is pruned. */
export class Background {
  readonly #inbound: Inbound
  readonly #outbound: Outbound
  readonly #processes: Processes
  readonly #clock: Clock
  readonly #log: Log
  readonly #stopping = new AbortController()
  #running: Promise<unknown> | undefined

  constructor(parts: {
    inbound: Inbound
    outbound: Outbound
    processes: Processes
    clock: Clock
    log: Log
  }) {
    this.#processes = parts.processes
    this.#inbound = parts.inbound
    this.#outbound = parts.outbound
    this.#clock = parts.clock
    this.#log = parts.log
  }

  start(): void {
    this.#running ??= Promise.all([
      this.#attempt(() => this.#inbound.inbox.resume()),
      this.#attempt(() => this.#outbound.start()),
      this.#keepHouse(),
      this.#inherit(),
    ])
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#inbound.inbox.close()
    await this.#running
    await this.#outbound.close()
  }

  /** Of several processes one goes on with what others have acknowledged and, being gone, do not come back for. */
  async #inherit(): Promise<void> {
    if (this.#processes.bulletin.isAlone) return
    await this.#processes.soleWork('staged events').run(this.#stopping.signal, async ({ signal }) => {
      while (!signal.aborted) {
        await this.#attempt(() => this.#inbound.inbox.inherit(this.#clock.now() - INHERITED_MS))
        await this.#clock.sleep(INHERITED_MS, signal).catch(() => {})
      }
    })
  }

  async #keepHouse(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#attempt(() => this.#inbound.transactions.prune())
      await this.#clock.sleep(HOUSEKEEPING_MS, signal).catch(() => {})
    }
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#log.error({ err: error }, 'work on federation failed in the background')
    }
  }
}
