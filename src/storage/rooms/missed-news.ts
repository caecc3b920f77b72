import type { Reader } from '../database.ts'
import { EventSteps } from './event-steps.ts'
import { KeptNews } from './kept-news.ts'
import { NewsReader } from './news-reader.ts'

/** A stretch of the stream that somebody has missed. */
export interface MissedSlice {
  readonly after: number
  readonly upTo: number
  readonly isPlain: boolean
  readonly kept: KeptNews
}

/**
 * What is older than the news that are kept, for those who follow the stream and have fallen behind it: as when a process has
 * taken over from another that was killed, and all who worked there go on here, from about the same place. It is read in
 * slices, one at a time, each of them once for all; a step of a follower ends where its slice does, so that whoever begins
 * elsewhere is soon in step with the others. Nobody waits for anybody else: the slices that were used last are kept.
 */
export class MissedNews {
  readonly #reader: NewsReader
  readonly #steps: EventSteps
  readonly #maxBytes: number
  /** The one that was used last comes last. */
  #slices: MissedSlice[] = []
  #reading: Promise<void> | undefined

  /** @param bounds `step`: so many events are a slice */
  constructor(db: Reader, { maxBytes, step }: { readonly maxBytes: number; readonly step: number }) {
    this.#reader = new NewsReader(db)
    this.#steps = new EventSteps(db, step)
    this.#maxBytes = maxBytes
  }

  /** Whether anything is kept. */
  get isEmpty(): boolean {
    return this.#slices.length === 0
  }

  /** Where a step ends that begins after a position: up to there all is read. */
  async end(after: number, upTo: number): Promise<number> {
    let slice = this.#from(after)
    while (slice === undefined) {
      this.#reading ??= this.#read(after, upTo).finally(() => {
        this.#reading = undefined
      })
      await this.#reading
      slice = this.#from(after)
    }
    this.#slices = [...this.#slices.filter(other => other !== slice), slice]
    return Math.min(upTo, slice.upTo)
  }

  /** The slice in which all of a span lies, if it is kept. */
  covering(after: number, upTo: number): MissedSlice | undefined {
    const slice = this.#from(after)
    return slice !== undefined && upTo <= slice.upTo ? slice : undefined
  }

  /** Nobody is behind any more. */
  forget(): void {
    this.#slices = []
  }

  #from(after: number): MissedSlice | undefined {
    return this.#slices.find(slice => slice.after <= after && after < slice.upTo)
  }

  async #read(after: number, end: number): Promise<void> {
    const next = this.#slices.map(slice => slice.after).filter(begin => begin > after)
    const upTo = Math.min(await this.#steps.end(after, end), ...next)
    const { events, points, isPlain } = await this.#reader.between({ after, upTo })
    const kept = new KeptNews()
    kept.add(events, points)
    this.#slices.push({ after, upTo, isPlain, kept })
    let bytes = this.#slices.reduce((sum, slice) => sum + slice.kept.bytes, 0)
    while (bytes > this.#maxBytes && this.#slices.length > 1) bytes -= this.#slices.shift()?.kept.bytes ?? 0
  }
}
