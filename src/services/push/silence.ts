import type { Clock } from '../../core/clock.ts'

/** Nobody waits longer for another process to count, in milliseconds. */
const SILENCE_MS = 2_000

interface SilenceParts {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Where the stream of events stands. */
  upTo(): number
  /** Up to where these are counted; without bound while this process is the one that counts. */
  reached(): number
  /** Called when the other is found to be silent. */
  noticed(): void
}

/** Notices that the process that counts says nothing any more, though there are events: nobody waits for it for long. */
export class Silence {
  readonly #parts: SilenceParts
  #isNoticed = false
  #isListening = false

  constructor(parts: SilenceParts) {
    this.#parts = parts
  }

  get isNoticed(): boolean {
    return this.#isNoticed
  }

  /** The other has said something, or this process counts itself. */
  broken(): void {
    this.#isNoticed = false
  }

  /** Listens for whether the events that there are come to be counted. */
  async listen(): Promise<void> {
    const { clock, signal, upTo, reached, noticed } = this.#parts
    const position = upTo()
    if (this.#isListening || this.#isNoticed || reached() >= position) return
    this.#isListening = true
    await clock.sleep(SILENCE_MS, signal).catch(() => undefined)
    this.#isListening = false
    if (signal.aborted) return
    if (reached() >= position) return this.listen()
    this.#isNoticed = true
    noticed()
  }
}
