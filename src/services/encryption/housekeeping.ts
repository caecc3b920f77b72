import type { EncryptionContext } from './context.ts'

/** How often what goes on without being asked for is done. Milliseconds. */
const EVERY_MS = 5 * 60_000

/** Does some work now and then; what fails is done again the next time. */
export class Housekeeping {
  readonly #context: EncryptionContext
  readonly #works: readonly (() => Promise<void>)[]
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(context: EncryptionContext, works: readonly (() => Promise<void>)[]) {
    this.#context = context
    this.#works = works
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#context
    const { signal } = this.#stopping
    for (;;) {
      await clock.sleep(EVERY_MS, signal).catch(() => {})
      if (signal.aborted) return
      for (const work of this.#works) {
        try {
          await work()
        } catch (error) {
          log.error({ err: error }, 'work on encryption failed in the background')
        }
      }
    }
  }
}
