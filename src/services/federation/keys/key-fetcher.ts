import type { Clock } from '../../../core/clock.ts'
import { growingCache } from '../../../core/growing-cache.ts'
import type { Log } from '../../../core/log.ts'
import { verifyJson } from '../../../core/signing.ts'
import type { ServerKeys } from '../../../network/federation/keys.ts'
import type { FederationClient } from '../../../network/federation-client.ts'
import type { Permits } from '../options.ts'
import { Slots, SlotsTaken } from '../slots.ts'
import { isSelfSigned } from './key-document.ts'

/** After a failure a server is left alone for so long; twice as long after each further one, up to a limit. */
const FIRST_PAUSE_MS = 5_000
const MAX_PAUSE_MS = 10 * 60_000
const MAX_FAILING_SERVERS = 20_000
const MAX_REQUESTS_AT_ONCE = 50
const MAX_WAITING_OF_STRANGERS = 500
const MAX_QUERIES_AT_ONCE = 5
/** Servers whose own answer failed are collected for so long, to ask the notaries about all of them at once. */
const MAX_SERVERS_PER_QUERY = 100

/** Key ID → until when the key should be valid, for the notaries. Empty: whatever there is. */
export type WantedKeys = ReadonlyMap<string, number>

/**
 * For whom keys are fetched: servers whose keys have held lately, work of this server's own (such as the events of a room that
 * it joins), peers whose transactions wait for it, or whoever names a server, which needs no more than its name. Names of servers
 * that never answer cost whoever makes them up nothing: they keep nobody waiting but others of their kind. So do the thousand servers
 * of a room that is being joined.
 */
export type Lane = 'known' | 'ours' | 'peers' | 'strangers'

interface LaneState {
  readonly slots: Slots
  readonly queries: Slots
  readonly running: Map<string, Promise<ServerKeys | undefined>>
  batch: Batch | undefined
}

interface Batch {
  readonly servers: Map<string, WantedKeys>
  readonly result: Promise<Map<string, ServerKeys>>
}

const lane = (maxWaiting?: number): LaneState => ({
  slots: new Slots(MAX_REQUESTS_AT_ONCE, maxWaiting),
  queries: new Slots(MAX_QUERIES_AT_ONCE, maxWaiting),
  running: new Map(),
  batch: undefined,
})

interface Failure {
  readonly count: number
  readonly until: number
}

/**
 * Fetches the keys that servers publish: from the server itself, and where that fails from the notaries that the
 * operator trusts. Requests for one server share one fetch; servers that do not answer are left alone for a while.
 */
export class KeyFetcher {
  readonly #client: Pick<FederationClient, 'getServerKeys' | 'queryKeys'>
  readonly #clock: Clock
  readonly #log: Log
  readonly #permits: Permits
  readonly #notaries: readonly string[]
  readonly #lanes: Readonly<Record<Lane, LaneState>> = {
    known: lane(),
    ours: lane(),
    peers: lane(),
    strangers: lane(MAX_WAITING_OF_STRANGERS),
  }
  readonly #failures = growingCache<string, Failure>(MAX_FAILING_SERVERS)

  constructor(parts: {
    client: Pick<FederationClient, 'getServerKeys' | 'queryKeys'>
    clock: Clock
    log: Log
    permits: Permits
    notaries: readonly string[]
  }) {
    this.#client = parts.client
    this.#clock = parts.clock
    this.#log = parts.log
    this.#permits = parts.permits
    this.#notaries = parts.notaries
  }

  /** What a server says about its keys, its signature verified; `undefined` if nobody can tell now. */
  fetch(serverName: string, wanted: WantedKeys, lane: Lane): Promise<ServerKeys | undefined> {
    if (!this.#permits(serverName)) return Promise.resolve(undefined)
    const { running } = this.#lanes[lane]
    const begun = running.get(serverName)
    if (begun !== undefined) return begun
    const failure = this.#failures.get(serverName)
    if (failure !== undefined && failure.until > this.#clock.now()) return Promise.resolve(undefined)
    const fetching = this.#fetch(serverName, wanted, this.#lanes[lane]).finally(() =>
      running.delete(serverName),
    )
    running.set(serverName, fetching)
    return fetching
  }

  /** The server has been heard of: it may be asked again at once. */
  forgive(serverName: string): void {
    this.#failures.delete(serverName)
  }

  async #fetch(serverName: string, wanted: WantedKeys, lane: LaneState): Promise<ServerKeys | undefined> {
    try {
      const keys = (await this.#ask(serverName, lane)) ?? (await this.#askNotaries(serverName, wanted, lane))
      if (keys === undefined) this.#failed(serverName)
      else this.#failures.delete(serverName)
      return keys
    } catch (error) {
      // That is not the server's fault: it may be asked as soon as there is room.
      if (error instanceof SlotsTaken) return undefined
      throw error
    }
  }

  async #ask(serverName: string, { slots }: LaneState): Promise<ServerKeys | undefined> {
    try {
      const keys = await slots.run(() => this.#client.getServerKeys(serverName))
      if (isSelfSigned(keys)) return keys
      this.#log.warn({ server: serverName }, 'a server does not sign its own keys')
    } catch (error) {
      if (error instanceof SlotsTaken) throw error
      this.#log.debug({ server: serverName, err: error }, 'keys could not be fetched')
    }
    return undefined
  }

  #failed(serverName: string): void {
    const count = (this.#failures.get(serverName)?.count ?? 0) + 1
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (count - 1), MAX_PAUSE_MS)
    this.#failures.set(serverName, { count, until: this.#clock.now() + pause })
  }

  /** Joins the question that is about to be asked, or begins one. */
  async #askNotaries(
    serverName: string,
    wanted: WantedKeys,
    lane: LaneState,
  ): Promise<ServerKeys | undefined> {
    if (this.#notaries.length === 0 || this.#notaries.includes(serverName)) return undefined
    if (lane.batch === undefined || lane.batch.servers.size >= MAX_SERVERS_PER_QUERY) {
      const servers = new Map<string, WantedKeys>()
      // Whoever fails until the next free slot is asked about in the same request.
      const result = lane.queries.run(async () => {
        if (lane.batch?.servers === servers) lane.batch = undefined
        return this.#queryNotaries(servers)
      })
      lane.batch = { servers, result }
    }
    const { servers, result } = lane.batch
    servers.set(serverName, wanted)
    return (await result).get(serverName)
  }

  /** "Servers MUST set the `minimum_valid_until_ts` property to prompt the notary server to attempt to refresh the key." */
  async #queryNotaries(servers: ReadonlyMap<string, WantedKeys>): Promise<Map<string, ServerKeys>> {
    const found = new Map<string, ServerKeys>()
    const until = this.#clock.now()
    for (const notary of this.#notaries) {
      const query = new Map([...servers].filter(([server]) => !found.has(server)))
      if (query.size === 0) break
      try {
        const notaryKeys = await this.#client.getServerKeys(notary)
        if (!isSelfSigned(notaryKeys)) continue
        for (const keys of await this.#client.queryKeys(notary, query)) {
          const known = found.get(keys.serverName)
          if (known !== undefined && known.validUntilTs >= keys.validUntilTs) continue
          if (isVouchedFor(keys, notaryKeys) && isSelfSigned(keys)) found.set(keys.serverName, keys)
        }
      } catch (error) {
        this.#log.warn({ server: notary, err: error, since: until }, 'a notary could not be asked')
      }
    }
    return found
  }
}

/** "Signed by the notary server": with one of the keys that it has now. */
const isVouchedFor = ({ raw }: ServerKeys, notary: ServerKeys): boolean =>
  [...notary.verifyKeys].some(([keyId, key]) => verifyJson(raw, notary.serverName, keyId, key))
