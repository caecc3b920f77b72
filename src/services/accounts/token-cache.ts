import type { LRUCache } from 'lru-cache'
import { boundedCache } from '../../core/caches.ts'

/**
 * Access tokens that were verified lately, in memory: what belongs to a user can be forgotten at once, and what was
 * read from the database while something was being forgotten is not kept.
 */
export class TokenCache<Entry extends { readonly userId: string; readonly readTs: number }> {
  readonly #entries: LRUCache<string, Entry>
  readonly #tokensOf = new Map<string, Set<string>>()
  readonly #maxAgeMs: number
  #epoch = 0

  constructor(options: { max?: number; maxAgeMs: number }) {
    this.#maxAgeMs = options.maxAgeMs
    this.#entries = boundedCache<string, Entry>('access_tokens', {
      max: options.max,
      dispose: (entry, token) => {
        const tokens = this.#tokensOf.get(entry.userId)
        tokens?.delete(token)
        if (tokens?.size === 0) this.#tokensOf.delete(entry.userId)
      },
      noDisposeOnSet: true,
    })
  }

  /** What is known of a token, unless it was read too long ago, or before the clock was set back: nobody knows how long that is. */
  get(token: string, now: number): Entry | undefined {
    const entry = this.#entries.get(token)
    const isFresh = entry !== undefined && entry.readTs <= now && now - entry.readTs < this.#maxAgeMs
    return isFresh ? entry : undefined
  }

  /** Moves with every `forget`: to be taken before reading what `add` is given. */
  get epoch(): number {
    return this.#epoch
  }

  /** Keeps an entry, if nothing was forgotten since `epoch`. */
  add(token: string, entry: Entry, epoch: number): void {
    if (epoch !== this.#epoch) return
    this.#entries.set(token, entry)
    const tokens = this.#tokensOf.get(entry.userId)
    if (tokens === undefined) this.#tokensOf.set(entry.userId, new Set([token]))
    else tokens.add(token)
  }

  /** Forgets everything. */
  clear(): void {
    this.#epoch++
    this.#entries.clear()
    this.#tokensOf.clear()
  }

  /** Forgets all tokens of a user. To be called after the commit that changes something about them. */
  forget(userId: string): void {
    this.#epoch++
    for (const token of [...(this.#tokensOf.get(userId) ?? [])]) this.#entries.delete(token)
  }
}
