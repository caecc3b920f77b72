import type { Clock } from '../../../core/clock.ts'

/** It is the time at which Synapse received what is being stored, so that what is noted of it is as old as it is. */
export class ImportClock implements Clock {
  readonly #end: number
  #now: number

  /** @param end when the import began: nothing came later */
  constructor(end: number) {
    this.#end = end
    this.#now = end
  }

  now(): number {
    return this.#now
  }

  is(time: number): void {
    this.#now = Math.max(0, Math.min(time, this.#end))
  }

  isEnd(): void {
    this.#now = this.#end
  }

  /** Nobody waits here. */
  sleep(): Promise<void> {
    return Promise.resolve()
  }
}
