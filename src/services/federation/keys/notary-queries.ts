import type { Log } from '../../../core/log.ts'
import { verifyJson } from '../../../core/signing.ts'
import type { ServerKeys } from '../../../network/federation/keys.ts'
import type { FederationClient } from '../../../network/federation-client.ts'
import { Slots } from '../slots.ts'
import { isSelfSigned } from './key-document.ts'

const MAX_QUERIES_AT_ONCE = 5
const MAX_SERVERS_PER_QUERY = 100

/** Key ID → until when the key should be valid, for the notaries. Empty: whatever there is. */
export type WantedKeys = ReadonlyMap<string, number>

interface Batch {
  readonly servers: Map<string, WantedKeys>
  readonly result: Promise<ReadonlyMap<string, readonly ServerKeys[]>>
}

/**
 * Asks notaries for the keys of servers that do not answer themselves (server-server API, "Querying Keys Through Another Server"):
 * about all of them at once for which that is wanted until the next query may begin.
 */
export class NotaryQueries {
  readonly #notaries: readonly string[]
  readonly #client: Pick<FederationClient, 'getServerKeys' | 'queryKeys'>
  readonly #log: Log
  readonly #slots: Slots
  #batch: Batch | undefined

  constructor(
    notaries: readonly string[],
    parts: {
      readonly client: Pick<FederationClient, 'getServerKeys' | 'queryKeys'>
      readonly log: Log
      readonly maxWaiting?: number | undefined
    },
  ) {
    this.#notaries = notaries
    this.#client = parts.client
    this.#log = parts.log
    this.#slots = new Slots(MAX_QUERIES_AT_ONCE, parts.maxWaiting)
  }

  /** What notaries have of a server, verified, the newest first. Throws `SlotsTaken` where too many wait for theirs. */
  async ask(serverName: string, wanted: WantedKeys): Promise<readonly ServerKeys[]> {
    if (this.#notaries.length === 0 || this.#notaries.includes(serverName)) return []
    const { servers, result } = this.#openBatch()
    servers.set(serverName, new Map([...(servers.get(serverName) ?? []), ...wanted]))
    return (await result).get(serverName) ?? []
  }

  /** The question that is about to be asked. */
  #openBatch(): Batch {
    const open = this.#batch
    if (open !== undefined && open.servers.size < MAX_SERVERS_PER_QUERY) return open
    const servers = new Map<string, WantedKeys>()
    const result = this.#slots.run(async () => {
      if (this.#batch?.servers === servers) this.#batch = undefined
      return this.#query(servers)
    })
    const batch = { servers, result }
    this.#batch = batch
    return batch
  }

  /** "Servers MUST set the `minimum_valid_until_ts` property to prompt the notary server to attempt to refresh the key." */
  async #query(servers: ReadonlyMap<string, WantedKeys>): Promise<Map<string, ServerKeys[]>> {
    const found = new Map<string, ServerKeys[]>()
    for (const notary of this.#notaries) {
      const query = new Map([...servers].filter(([server]) => !found.has(server)))
      if (query.size === 0) break
      try {
        const notaryKeys = await this.#client.getServerKeys(notary)
        if (!isSelfSigned(notaryKeys)) continue
        for (const keys of await this.#client.queryKeys(notary, query)) {
          if (!query.has(keys.serverName) || !isVouchedFor(keys, notaryKeys) || !isSelfSigned(keys)) continue
          found.set(keys.serverName, [...(found.get(keys.serverName) ?? []), keys])
        }
      } catch (error) {
        this.#log.warn({ server: notary, err: error }, 'a notary could not be asked')
      }
    }
    for (const documents of found.values()) documents.sort((a, b) => b.validUntilTs - a.validUntilTs)
    return found
  }
}

/** "Signed by the notary server": with one of the keys that it has now. */
const isVouchedFor = ({ raw }: ServerKeys, notary: ServerKeys): boolean =>
  [...notary.verifyKeys].some(([keyId, key]) => verifyJson(raw, notary.serverName, keyId, key))
