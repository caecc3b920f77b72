import { LRUCache } from 'lru-cache'
import { Generations, type Tally } from './generations.ts'

/** One cache's part of the memory that all caches may take. */
interface CacheShare {
  /** In thousandths. */
  readonly share: number
  /** What an entry takes, or what one of its parts does where a cache counts those: estimated, in bytes. */
  readonly bytes: number
  /** How many caches have this name, in a server: they divide the share. */
  readonly instances?: number
}

/** Every cache whose size follows from the budget. What only counts, or remembers when something was, is bounded by numbers. */
export const CACHES = {
  // Counts the state of rooms, by its entries.
  room_heads: { share: 300, bytes: 500 },
  // Measured under Node.js 24: a message takes 1.4 kB, an encrypted one more; its ID 190 bytes, its text for clients 0.9 kB.
  events: { share: 140, bytes: 2_000 },
  event_ids: { share: 15, bytes: 190 },
  rendered_events: { share: 98, bytes: 1_200 },
  history_visibilities: { share: 10, bytes: 370 },
  own_memberships: { share: 20, bytes: 370 },
  // Count the rooms of those who wait, or might soon.
  idle_syncs: { share: 100, bytes: 100 },
  sliding_connections: { share: 60, bytes: 200 },
  lazy_members: { share: 50, bytes: 120 },
  sync_filters: { share: 4, bytes: 1_000 },
  room_ids: { share: 6, bytes: 100 },
  room_summaries: { share: 8, bytes: 400 },
  newest_of_users: { share: 10, bytes: 100, instances: 6 },
  account_data: { share: 12, bytes: 200, instances: 4 },
  sent_transactions: { share: 10, bytes: 350 },
  access_tokens: { share: 30, bytes: 400 },
  push_rules: { share: 10, bytes: 100 },
  compiled_push_rules: { share: 10, bytes: 2_000 },
  push_audiences: { share: 10, bytes: 2_000, instances: 2 },
  app_service_audiences: { share: 5, bytes: 2_000, instances: 2 },
  unread_counts: { share: 20, bytes: 150 },
  inboxes: { share: 5, bytes: 100 },
  keys_left: { share: 10, bytes: 350 },
  acknowledged_to_device: { share: 5, bytes: 120 },
  presence: { share: 10, bytes: 250 },
  server_keys: { share: 8, bytes: 800 },
  public_keys: { share: 5, bytes: 800 },
  server_discovery: { share: 6, bytes: 300 },
  well_known: { share: 4, bytes: 300 },
  extension_peers: { share: 3, bytes: 150 },
  outgoing_events: { share: 6, bytes: 1_500 },
  hosts_in_rooms: { share: 6, bytes: 1_000, instances: 2 },
  server_acls: { share: 4, bytes: 1_000 },
} as const satisfies Readonly<Record<string, CacheShare>>

export type CacheName = keyof typeof CACHES

/** What a cache holds, and how often what was looked for was there. */
export interface CacheFigures {
  readonly name: CacheName
  /** What it counts: entries, mostly. */
  readonly entries: number
  /** By the estimate; and what it may take. */
  readonly bytes: number
  readonly maxBytes: number
  readonly hits: number
  readonly misses: number
}

interface Counted {
  readonly held: number
}

/** Enough for servers of some thousand users. */
export const DEFAULT_CACHE_BUDGET = 384 * 1024 * 1024

let budget = DEFAULT_CACHE_BUDGET
const tallies = new Map<CacheName, Tally>()
/** What counts the entries of each cache that is in use. */
const counted = new Map<CacheName, Set<WeakRef<Counted>>>()
/** Forgets those that are not in use any more; to go through all of them for each new one would keep them alive meanwhile. */
const forgetting = new FinalizationRegistry<() => void>(forget => forget())

/** What all caches together may take, in bytes; holds for those that are made from now on. */
export const setCacheBudget = (bytes: number): void => {
  budget = bytes
}

/** How much a cache of this name may hold, of what it counts. */
export const cacheLimit = (name: CacheName): number => {
  const { share, bytes, instances = 1 }: CacheShare = CACHES[name]
  return Math.max(1, Math.floor((budget * share) / 1000 / bytes / instances))
}

type Key = string | number
type Value = object | string | number | boolean

/** Of a call without options lru-cache makes an object, and puts a member into it, though nobody reads that. */
const NO_OPTIONS = {}

/** A cache that tells how it does. */
class CountedCache<K extends Key, V extends Value> extends LRUCache<K, V> {
  readonly #tally: Tally

  constructor(tally: Tally, options: LRUCache.Options<K, V, unknown>) {
    super(options)
    this.#tally = tally
  }

  get held(): number {
    return this.calculatedSize
  }

  override get(key: K, options: LRUCache.GetOptions<K, V, unknown> = NO_OPTIONS): V | undefined {
    const found = super.get(key, options)
    if (found === undefined) this.#tally.misses += 1
    else this.#tally.hits += 1
    return found
  }
}

const one = (): number => 1

const weighed =
  <V>(name: CacheName, bytes: (value: V) => number) =>
  (value: V): number =>
    Math.max(1, Math.round(bytes(value) / CACHES[name].bytes))

/**
 * A cache of what was used last, as large as its share of the budget; takes memory as it fills.
 *
 * @param options.max instead of what the share allows
 * @param options.size how many of what the cache counts an entry is; 1 by default
 * @param options.bytes what an entry takes, where some take much more than the estimate: it counts as so many then
 */
export const boundedCache = <K extends Key, V extends Value>(
  name: CacheName,
  options: Pick<LRUCache.Options<K, V, unknown>, 'dispose' | 'noDisposeOnSet'> & {
    readonly max?: number | undefined
    readonly size?: (value: V) => number
    readonly bytes?: (value: V) => number
  } = {},
): LRUCache<K, V> => {
  const { max, bytes, ...others } = options
  const { size = bytes === undefined ? one : weighed(name, bytes) } = options
  const cache = new CountedCache<K, V>(tallyOf(name), {
    ...others,
    maxSize: max ?? cacheLimit(name),
    sizeCalculation: size,
  })
  countCache(name, cache)
  return cache
}

/** The same for what is added all the time and seldom asked for (`Generations`). */
export const recentCache = <K extends Key, V extends Value>(
  name: CacheName,
  options: { readonly max?: number | undefined; readonly bytes?: (value: V) => number } = {},
): Generations<K, V> => {
  const { max = cacheLimit(name), bytes } = options
  const size = bytes === undefined ? one : weighed(name, bytes)
  const cache = new Generations<K, V>({ max, size, tally: tallyOf(name) })
  countCache(name, cache)
  return cache
}

/** Lets a cache of another sort be counted, as long as it is in use. */
export const countCache = (name: CacheName, cache: Counted): void => {
  const all = counted.get(name) ?? new Set()
  const ref = new WeakRef(cache)
  counted.set(name, all.add(ref))
  forgetting.register(cache, () => all.delete(ref))
}

const tallyOf = (name: CacheName): Tally => {
  const tally = tallies.get(name) ?? { hits: 0, misses: 0 }
  tallies.set(name, tally)
  return tally
}

/** How all caches of this process do. */
export const cacheFigures = (): CacheFigures[] =>
  (Object.keys(CACHES) as CacheName[]).map(name => {
    const entries = [...(counted.get(name) ?? [])].reduce((sum, ref) => sum + (ref.deref()?.held ?? 0), 0)
    const { share, bytes } = CACHES[name]
    const { hits, misses } = tallies.get(name) ?? { hits: 0, misses: 0 }
    return { name, entries, bytes: entries * bytes, maxBytes: (budget * share) / 1000, hits, misses }
  })
