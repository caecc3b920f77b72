import type { Clock } from '../../../core/clock.ts'
import { growingCache } from '../../../core/growing-cache.ts'
import type { Log } from '../../../core/log.ts'
import type { ServerKeys } from '../../../network/federation/keys.ts'
import type { FederationClient } from '../../../network/federation-client.ts'
import type { Permits } from '../options.ts'
import { Slots, SlotsTaken } from '../slots.ts'
import { isSelfSigned } from './key-document.ts'
import { NotaryQueries, type WantedKeys } from './notary-queries.ts'

/** After a failure a server is left alone for so long; twice as long after each further one, up to a limit. */
const FIRST_PAUSE_MS = 5_000
const MAX_PAUSE_MS = 10 * 60_000
const MAX_FAILING_SERVERS = 20_000
const MAX_REQUESTS_AT_ONCE = 50
const MAX_WAITING_OF_STRANGERS = 500
/** Servers by which others' keys may be vouched for at a time. */
const MAX_VOUCHERS = 100

/**
 * For whom keys are fetched: servers whose keys have held lately, work of this server's own (such as the events of a room that
 * it joins), peers whose transactions wait for it, or whoever names a server, which needs no more than its name. Names of servers
 * that never answer cost whoever makes them up nothing: they keep nobody waiting but others of their kind. So do the thousand servers
 * of a room that is being joined.
 */
export type Lane = 'known' | 'ours' | 'peers' | 'strangers'

interface LaneState {
  readonly slots: Slots
  readonly notaries: NotaryQueries
  readonly running: Map<string, Promise<ServerKeys | undefined>>
}

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
  readonly #lanes: Readonly<Record<Lane, LaneState>>
  readonly #vouchers = growingCache<string, NotaryQueries>(MAX_VOUCHERS)
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
    const lane = (maxWaiting?: number): LaneState => ({
      slots: new Slots(MAX_REQUESTS_AT_ONCE, maxWaiting),
      notaries: new NotaryQueries(parts.notaries, { ...parts, maxWaiting }),
      running: new Map(),
    })
    this.#lanes = {
      known: lane(),
      ours: lane(),
      peers: lane(),
      strangers: lane(MAX_WAITING_OF_STRANGERS),
    }
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

  /** What another server says about the keys of one that does not answer: for who takes that one's word. */
  async vouched(voucher: string, serverName: string, wanted: WantedKeys): Promise<readonly ServerKeys[]> {
    if (!this.#permits(serverName)) return []
    const known = this.#vouchers.get(voucher)
    const queries = known ?? new NotaryQueries([voucher], { client: this.#client, log: this.#log })
    if (known === undefined) this.#vouchers.set(voucher, queries)
    return queries.ask(serverName, wanted)
  }

  /** The server has been heard of: it may be asked again at once. */
  forgive(serverName: string): void {
    this.#failures.delete(serverName)
  }

  async #fetch(serverName: string, wanted: WantedKeys, lane: LaneState): Promise<ServerKeys | undefined> {
    try {
      const keys = (await this.#ask(serverName, lane)) ?? (await askNotaries(serverName, wanted, lane))
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
}

/** Of what notaries have of a server, which may have changed its keys, what holds those that are wanted. */
const askNotaries = async (
  serverName: string,
  wanted: WantedKeys,
  { notaries }: LaneState,
): Promise<ServerKeys | undefined> => {
  const documents = await notaries.ask(serverName, wanted)
  const isWanted = ({ verifyKeys, oldVerifyKeys }: ServerKeys): boolean =>
    [...wanted.keys()].every(keyId => verifyKeys.has(keyId) || oldVerifyKeys.has(keyId))
  return documents.find(isWanted) ?? documents[0]
}
