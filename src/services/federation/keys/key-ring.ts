import { boundedCache } from '../../../core/caches.ts'
import type { Clock } from '../../../core/clock.ts'
import { growingCache } from '../../../core/growing-cache.ts'
import type { Database } from '../../../storage/database.ts'
import {
  type ServerKeyDocument,
  ServerKeyReader,
  type ServerKeyRow,
  ServerKeyWriter,
} from '../../../storage/federation/server-keys.ts'
import { isExpiredAt, isKeyId, isValidAt, rowsOf } from './key-document.ts'
import type { KeyFetcher, Lane } from './key-fetcher.ts'
import type { WantedKeys } from './notary-queries.ts'
import type { OwnKeys } from './own-keys.ts'

type KeysOfServer = ReadonlyMap<string, ServerKeyRow>

/** When a key has to have been in use. */
export interface KeyUse {
  readonly validAt?: number
  readonly ignoresValidUntil?: boolean
  /** Who makes us look, if it is not for this server's own work: others must not have to wait for that. */
  readonly onBehalfOf?: 'peers' | 'strangers' | undefined
  /**
   * A server whose word is taken, for this use alone, of a server that does not answer, nor has lately, and of which no trusted notary
   * tells.
   */
  readonly vouchedBy?: string | undefined
}

const MAX_SERVERS_IN_MEMORY = 10_000
/**
 * "Requesting servers should limit how frequently they query for certificates": so often in a minute, whoever names keys that a
 * server does not have. It is more than once, since a key may be in use a moment after it was published.
 */
const MAX_FETCHES = 10
const FETCHES_COUNT_MS = 60_000
/** Of whom no keys have held for so long they are asked for behind those of others. */
const LATELY_MS = 7 * 24 * 60 * 60_000
/** So long it is remembered what one server says of the keys of others, and that it says nothing: it may have been asked too much. */
const VOUCHED_MS = 10 * 60_000
const UNVOUCHED_MS = 30_000

/** The public keys of servers: in memory, in the database, and fetched where neither has them. */
export class KeyRing {
  readonly #own: OwnKeys
  readonly #fetcher: KeyFetcher
  readonly #db: Database
  readonly #read: ServerKeyReader
  readonly #write: ServerKeyWriter
  readonly #clock: Clock
  readonly #memory = boundedCache<string, Promise<KeysOfServer>>('server_keys')
  readonly #refreshing: Readonly<Record<Lane, Map<string, Promise<KeysOfServer | undefined>>>> = {
    known: new Map(),
    ours: new Map(),
    peers: new Map(),
    strangers: new Map(),
  }
  readonly #asked = growingCache<string, { readonly since: number; readonly count: number }>(
    MAX_SERVERS_IN_MEMORY,
  )

  readonly #vouched = growingCache<string, { readonly keys: Promise<KeysOfServer>; until: number }>(
    MAX_SERVERS_IN_MEMORY,
  )

  constructor(parts: { own: OwnKeys; fetcher: KeyFetcher; database: Database; clock: Clock }) {
    this.#own = parts.own
    this.#fetcher = parts.fetcher
    this.#db = parts.database
    this.#read = new ServerKeyReader(parts.database)
    this.#write = new ServerKeyWriter(parts.database)
    this.#clock = parts.clock
  }

  /**
   * The public key (base64) of a server under an ID; `undefined` if it has none, or none can be had now.
   *
   * @param use.validAt the instant at which the key must have been in use, where that matters: now for requests,
   *   `origin_server_ts` for events.
   * @param use.ignoresValidUntil for room versions in which it does not matter how long the key was said to be valid
   */
  async publicKey(serverName: string, keyId: string, use: KeyUse = {}): Promise<string | undefined> {
    if (serverName === this.#own.serverName) return this.#own.publicKey(keyId)
    if (!isKeyId(keyId)) return undefined
    const { validAt, ignoresValidUntil = false } = use
    const usable = (keys: KeysOfServer | undefined): string | undefined => {
      const row = keys?.get(keyId)
      if (row === undefined || validAt === undefined) return row?.publicKey
      const counts = ignoresValidUntil ? !isExpiredAt(row, validAt) : isValidAt(row, validAt)
      return counts ? row.publicKey : undefined
    }
    const until = validAt !== undefined && Number.isSafeInteger(validAt) ? validAt : this.#clock.now()
    const wanted = new Map([[keyId, until]])
    const known = await this.#known(serverName)
    const lane = this.#wasThereLately([...known.values()]) ? 'known' : (use.onBehalfOf ?? 'ours')
    const held = usable(known)
    if (held !== undefined) return held
    const published = await this.#refresh(serverName, wanted, lane)
    const { vouchedBy } = use
    if (vouchedBy === undefined || vouchedBy === serverName || published !== undefined)
      return usable(published)
    // Of a server that is there nobody else says what its keys are.
    if (this.#wasThereLately([...(await this.#known(serverName)).values()])) return undefined
    return usable(await this.#keysVouchedBy(vouchedBy, serverName, wanted))
  }

  /** In memory only, and apart from all others: nobody else's word depends on it. */
  #keysVouchedBy(voucher: string, serverName: string, wanted: WantedKeys): Promise<KeysOfServer> {
    const now = this.#clock.now()
    const name = [voucher, serverName, ...wanted.keys()].join(' ')
    const known = this.#vouched.get(name)
    if (known !== undefined && known.until > now) return known.keys
    const keys = this.#fetcher.vouched(voucher, serverName, wanted).then(documents => {
      // The newest last, which is the one that counts; of the others' keys nothing is kept.
      const rows = documents.toReversed().flatMap(one => rowsOf(one, now).rows)
      return byKeyId(rows.filter(({ keyId }) => wanted.has(keyId)))
    })
    const entry = { keys, until: now + VOUCHED_MS }
    this.#vouched.set(name, entry)
    keys.then(
      ({ size }) => {
        if (size === 0) entry.until = this.#clock.now() + UNVOUCHED_MS
      },
      () => this.#vouched.delete(name),
    )
    return keys
  }

  /**
   * What a server has published about itself, not older than half of its lifetime where the server answers. For the
   * notary: with a server that is gone, its last words.
   *
   * @param validUntil the instant until which the keys should be valid
   */
  async document(serverName: string, validUntil: number): Promise<ServerKeyDocument | undefined> {
    const known = await this.#read.document(serverName)
    const now = this.#clock.now()
    if (known !== undefined && known.validUntilTs >= validUntil) {
      const halfLife = known.fetchedTs + (known.validUntilTs - known.fetchedTs) / 2
      if (halfLife > now) return known
    }
    const wasThere = known !== undefined && this.#wasThereLately([known])
    await this.#refresh(serverName, new Map(), wasThere ? 'known' : 'strangers')
    return this.#read.document(serverName)
  }

  /** Whoever is about to need a server's keys has them fetched meanwhile, unless some are known. Never rejects. */
  async expect(serverName: string): Promise<void> {
    if (serverName === this.#own.serverName) return
    try {
      const known = await this.#known(serverName)
      if (known.size === 0) await this.#refresh(serverName, new Map(), 'ours')
    } catch {
      // Whoever needs them asks again, and is told.
    }
  }

  /** The server has been heard of: its keys may be asked for again, if that failed before. */
  forgive(serverName: string): void {
    this.#fetcher.forgive(serverName)
  }

  /** Of servers that are gone there are thousands in large rooms, and anybody may name them. */
  #wasThereLately(published: readonly { readonly validUntilTs: number }[]): boolean {
    const since = this.#clock.now() - LATELY_MS
    return published.some(({ validUntilTs }) => validUntilTs > since)
  }

  #known(serverName: string): Promise<KeysOfServer> {
    const known = this.#memory.get(serverName)
    if (known !== undefined) return known
    const loading = this.#read.ofServer(serverName).then(byKeyId)
    this.#memory.set(serverName, loading)
    loading.catch(() => this.#memory.delete(serverName))
    return loading
  }

  #refresh(serverName: string, wanted: WantedKeys, lane: Lane): Promise<KeysOfServer | undefined> {
    const running = this.#refreshing[lane]
    const begun = running.get(serverName)
    if (begun !== undefined) return begun
    if ((this.#recentlyAsked(serverName)?.count ?? 0) >= MAX_FETCHES) return Promise.resolve(undefined)
    const refreshing = this.#fetchAndStore(serverName, wanted, lane).finally(() => running.delete(serverName))
    running.set(serverName, refreshing)
    return refreshing
  }

  /** How often a server has answered within a minute, and since when that is counted. */
  #recentlyAsked(serverName: string): { readonly since: number; readonly count: number } | undefined {
    const asked = this.#asked.get(serverName)
    return asked !== undefined && asked.since > this.#clock.now() - FETCHES_COUNT_MS ? asked : undefined
  }

  async #fetchAndStore(
    serverName: string,
    wanted: WantedKeys,
    lane: Lane,
  ): Promise<KeysOfServer | undefined> {
    const fetched = await this.#fetcher.fetch(serverName, wanted, lane)
    if (fetched === undefined) return undefined
    const now = this.#clock.now()
    const { rows, document } = rowsOf(fetched, now)
    await this.#db.commit({ statements: this.#write.put(rows, document) })
    // Only a server that answers can be asked too often: failures have their own pause.
    const { since, count } = this.#recentlyAsked(serverName) ?? { since: now, count: 0 }
    this.#asked.set(serverName, { since, count: count + 1 })
    const keys = new Map([...(await this.#known(serverName)), ...byKeyId(rows)])
    this.#memory.set(serverName, Promise.resolve(keys))
    return keys
  }
}

const byKeyId = (rows: readonly ServerKeyRow[]): KeysOfServer => new Map(rows.map(row => [row.keyId, row]))
