import type { Clock } from '../../core/clock.ts'
import { withDeadline } from '../../network/deadline.ts'
import type { FederationClient } from '../../network/federation-client.ts'
import { SilentServers } from '../../network/silent-servers.ts'
import { type Attempt, answersInTurn } from '../federation/outbound/asked-in-turn.ts'
import { toClientError } from '../federation/outbound/client-errors.ts'
import type { ReachBack } from '../federation/outbound/history/reach-back.ts'
import type { Hierarchy, RemoteDiscovery } from './ports.ts'

/** Servers asked for one room before it counts as nowhere to be found. */
const MAX_SERVERS = 5
/** In milliseconds, with finding the server: for one of them, and for all of them together. */
const TIMEOUT_MS = 10_000
const TOTAL_MS = 20_000

/** Asks other servers through the federation API. */
export const federatedDiscovery = (
  client: Pick<FederationClient, 'publicRooms' | 'hierarchy'>,
  { reachBack, clock }: { readonly reachBack: ReachBack; readonly clock: Clock },
): RemoteDiscovery => {
  // Spaces are full of rooms whose servers are gone.
  const silent = new SilentServers(clock)

  const ask = (server: string, question: Parameters<typeof client.hierarchy>[1], ms: number) =>
    silent.ask(server, () =>
      withDeadline(clock, ms, undefined, signal => client.hierarchy(server, question, { signal })),
    )

  return {
    publicRooms: async (server, query) => {
      try {
        return await client.publicRooms(server, query)
      } catch (error) {
        throw toClientError(error)
      }
    },
    hierarchy: async (servers, question): Promise<Hierarchy | undefined> => {
      const turns = { clock, totalMs: TOTAL_MS, eachMs: TIMEOUT_MS }
      // None is given up: that it does not answer is to be known the next time.
      const one = ({ server, timeoutMs }: Attempt) => ask(server, question, timeoutMs)
      for await (const told of answersInTurn(servers.slice(0, MAX_SERVERS), turns, one)) {
        // Whatever one server has against answering, the next may not have it.
        if ('answer' in told) return told.answer
      }
      return undefined
    },
    reachBack,
  }
}
