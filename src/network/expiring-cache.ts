import type { LRUCache } from 'lru-cache'
import { boundedCache, type CacheName } from '../core/caches.ts'
import type { Clock } from '../core/clock.ts'

/** A loaded value, and for how many milliseconds it may be used. */
export interface Loaded<V> {
  readonly value: V
  readonly lifetimeMs: number
}

/** A bounded cache whose values each have their own lifetime. Concurrent misses of one key share one load. */
export class ExpiringCache<V> {
  readonly #clock: Clock
  readonly #entries: LRUCache<string, { value: V; expiresAt: number }>
  readonly #loading = new Map<string, Promise<V>>()

  constructor(clock: Clock, name: CacheName) {
    this.#clock = clock
    this.#entries = boundedCache(name)
  }

  /**
   * The value of a key, loaded where there is none or it has expired.
   *
   * @param load gets the expired value, if it is still known.
   */
  async get(key: string, load: (expired: V | undefined) => Promise<Loaded<V>>): Promise<V> {
    const entry = this.#entries.get(key)
    if (entry !== undefined && entry.expiresAt > this.#clock.now()) return entry.value
    const running = this.#loading.get(key)
    if (running !== undefined) return running
    const loading = this.#load(key, entry?.value, load).finally(() => this.#loading.delete(key))
    this.#loading.set(key, loading)
    return loading
  }

  async #load(
    key: string,
    expired: V | undefined,
    load: (expired: V | undefined) => Promise<Loaded<V>>,
  ): Promise<V> {
    const { value, lifetimeMs } = await load(expired)
    this.#entries.set(key, { value, expiresAt: this.#clock.now() + lifetimeMs })
    return value
  }
}
