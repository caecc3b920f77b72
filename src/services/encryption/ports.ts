import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { FederationClient } from '../../network/federation-client.ts'
import type { SilentServers } from '../../network/silent-servers.ts'

/** What other servers are asked for. */
export type RemoteKeys = Pick<FederationClient, 'userDevices' | 'keysQuery' | 'keysClaim'>

/** The same, but of servers that are known not to answer at once: whoever writes into a room waits for keys of everybody in it. */
export const unlessSilent = (remote: RemoteKeys, servers: SilentServers): RemoteKeys => ({
  userDevices: (server, ...rest) => servers.ask(server, () => remote.userDevices(server, ...rest)),
  keysQuery: (server, ...rest) => servers.ask(server, () => remote.keysQuery(server, ...rest)),
  keysClaim: (server, ...rest) => servers.ask(server, () => remote.keysClaim(server, ...rest)),
})

const refuse = async (): Promise<never> => {
  throw new MatrixError('M_FORBIDDEN', 'This server does not talk to other servers')
}

/** Where federation is switched off. */
export const noRemoteKeys: RemoteKeys = { userDevices: refuse, keysQuery: refuse, keysClaim: refuse }

/** "10 seconds is the recommended default"; nobody waits for longer than a minute. */
export const DEFAULT_TIMEOUT_MS = 10_000
const MAX_TIMEOUT_MS = 60_000

/** How long to wait for another server, as a client asked for it (milliseconds). */
export const remoteTimeout = (timeoutMs: number | undefined): { readonly timeoutMs: number } => ({
  timeoutMs: Math.min(Math.max(timeoutMs ?? DEFAULT_TIMEOUT_MS, 1), MAX_TIMEOUT_MS),
})

/** What is said in `failures` of a server that did not answer. */
export const failureOf = (error: unknown): JsonObject => {
  if (error instanceof MatrixError) return error.body
  return { errcode: 'M_CONNECTION_FAILED', error: 'The server could not be reached.' }
}

/** The same of one that was not even asked, as many did not answer. */
export const notAsked = (): JsonObject => ({
  errcode: 'M_CONNECTION_TIMEOUT',
  error: 'There was no time left to ask this server.',
})
