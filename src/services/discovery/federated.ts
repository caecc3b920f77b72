import type { FederationClient } from '../../network/federation-client.ts'
import { toClientError } from '../federation/outbound/client-errors.ts'
import type { ReachBack } from '../federation/outbound/history/reach-back.ts'
import type { RemoteDiscovery } from './ports.ts'

/** Servers asked for one room before it counts as nowhere to be found. */
const MAX_SERVERS = 5
const TIMEOUT_MS = 10_000

/** Asks other servers through the federation API. */
export const federatedDiscovery = (
  client: Pick<FederationClient, 'publicRooms' | 'hierarchy'>,
  reachBack: ReachBack,
): RemoteDiscovery => ({
  publicRooms: async (server, query) => {
    try {
      return await client.publicRooms(server, query)
    } catch (error) {
      throw toClientError(error)
    }
  },
  hierarchy: async (servers, ask) => {
    for (const server of servers.slice(0, MAX_SERVERS)) {
      // Whatever one server has against answering, the next may not have it.
      const answer = await client.hierarchy(server, ask, { timeoutMs: TIMEOUT_MS }).catch(() => undefined)
      if (answer !== undefined) return answer
    }
    return undefined
  },
  reachBack,
})
