import type { StreamName } from '../database.ts'

/** Stream → the last position of it that is committed. */
export type Moved = readonly (readonly [stream: StreamName, position: number])[]

/** What a placeholder becomes: the position, negative where the stream grows into the past. */
export const storedPosition = (stream: StreamName, position: number): number =>
  stream === 'backfill' ? -position : position

/** How far each stream is committed and readable, and who wants to know when that moves. */
export class Positions {
  readonly #committed = new Map<StreamName, number>()
  readonly #listeners = new Set<(moved: ReadonlyMap<StreamName, number>) => void>()
  /** What was heard while this process was committing. */
  #held: (readonly [stream: StreamName, position: number])[] | undefined

  /** The last readable position of the stream; 0 where nothing was ever written. */
  of(stream: StreamName): number {
    return this.#committed.get(stream) ?? 0
  }

  /** Calls `listener` whenever streams have moved; answers how to stop that. */
  listen(listener: (moved: ReadonlyMap<StreamName, number>) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * From here on until `release` what is heard has to wait: this process is committing, and has to know that it has before anybody
   * who follows the streams is told of it.
   */
  hold(): void {
    this.#held ??= []
  }

  /** Takes over what was heard since `hold`. */
  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    this.advance(held)
  }

  /** Takes over what the database tells by itself, of the commits of all processes. */
  hear(moved: Moved): void {
    if (this.#held === undefined) this.advance(moved)
    else this.#held.push(...moved)
  }

  /** Takes over what is ahead of what is known (news may arrive late or twice) and tells the listeners. */
  advance(moved: Moved): void {
    const news = new Map<StreamName, number>()
    for (const [stream, position] of moved) {
      if (position <= this.of(stream)) continue
      this.#committed.set(stream, position)
      news.set(stream, position)
    }
    if (news.size === 0) return
    for (const listener of this.#listeners) listener(news)
  }
}
