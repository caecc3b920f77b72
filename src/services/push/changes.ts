/** Lets others wait until something is so: they look again whenever it may have changed. */
export class Changes {
  readonly #signal: AbortSignal
  #next: PromiseWithResolvers<void> | undefined

  /** After `signal` is aborted nobody waits any more. */
  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => this.happened())
  }

  /** Resolves once it is so, or at the end. */
  async until(isSo: () => boolean): Promise<void> {
    while (!this.#signal.aborted && !isSo()) {
      this.#next ??= Promise.withResolvers<void>()
      await this.#next.promise
    }
  }

  /** Something has changed. */
  happened(): void {
    this.#next?.resolve()
    this.#next = undefined
  }
}
