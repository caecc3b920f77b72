/** Commits that are under way at once: enough for two groups of the writer thread. */
const IN_FLIGHT = 192
const SHOW_EVERY_MS = 5_000

/** Lets so much be under way and no more, and says how far it is. */
export class Pace {
  readonly #progress: (line: string) => void
  readonly #running = new Set<Promise<unknown>>()
  #failure: unknown
  #phase = ''
  #begun = 0
  #shownAt = 0

  constructor(progress: (line: string) => void) {
    this.#progress = progress
  }

  /** A phase of the work begins; what came before it is done. */
  async phase(name: string): Promise<void> {
    await this.done()
    const now = performance.now()
    if (this.#phase !== '')
      this.#progress(`${this.#phase}: done in ${((now - this.#begun) / 1000).toFixed(1)} s`)
    this.#phase = name
    this.#begun = now
    this.#shownAt = now
  }

  /** Adds work; resolves when there is room for more. Throws what earlier work has failed with. */
  async add(work: Promise<unknown>): Promise<void> {
    const counted: Promise<unknown> = work
      .catch((error: unknown) => {
        this.#failure ??= error
      })
      .finally(() => this.#running.delete(counted))
    this.#running.add(counted)
    while (this.#running.size >= IN_FLIGHT) await Promise.race(this.#running)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Waits for everything that was added. */
  async done(): Promise<void> {
    await Promise.all(this.#running)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Says how far the phase is, once in a while. */
  show(count: number, total: number): void {
    const now = performance.now()
    if (now - this.#shownAt < SHOW_EVERY_MS || count === 0) return
    this.#shownAt = now
    const elapsed = (now - this.#begun) / 1000
    const left = Math.round((elapsed / count) * (total - count))
    const percent = Math.floor((100 * count) / total)
    this.#progress(
      `${this.#phase}: ${percent} % (${count} of ${total}), ${Math.round(count / elapsed)}/s, ${left} s left`,
    )
  }
}
