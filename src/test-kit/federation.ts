import { randomBytes } from 'node:crypto'
import { type SigningKey, signingKeyFromSeed } from '../core/signing.ts'
import { createAddressPolicy } from '../network/address-policy.ts'
import type { Target } from '../network/connector.ts'
import { createFederationClient, type FederationClient } from '../network/federation-client.ts'
import { HttpClient } from '../network/http-client.ts'
import { createNameResolver, type Dns } from '../network/name-resolver.ts'
import { ServerDiscovery } from '../network/server-discovery.ts'
import { WellKnownLookup, wellKnownFetcher } from '../network/well-known.ts'
import { type PeerOptions, ScriptedPeer } from './https-server.ts'
import { realClock } from './real-clock.ts'
import { testAuthority } from './tls.ts'

/** The outgoing side of one server of a test. */
export interface TestNetwork {
  readonly serverName: string
  readonly signingKey: SigningKey
  readonly http: HttpClient
  readonly federation: FederationClient
  close(): Promise<void>
}

/** A DNS without any record: tests never ask the real one. */
export const emptyDns: Dns = {
  resolve4: () => Promise.resolve([]),
  resolve6: () => Promise.resolve([]),
  resolveSrv: () => Promise.resolve([]),
  lookup: () => Promise.resolve([]),
}

/**
 * Makes the outgoing side of a server that reaches peers on this machine.
 *
 * @param options.hosts the peers' `hostsEntry`s.
 * @param options.deny the address deny list; empty if not given.
 * @param options.trust PEM text of the authorities to trust; the test authority if not given, nobody if ''.
 */
export const createTestNetwork = async (options: {
  serverName?: string
  signingKey?: SigningKey
  hosts?: Iterable<readonly [string, readonly string[]]>
  deny?: readonly string[]
  trust?: string
  dns?: Partial<Dns>
  permits?: (serverName: string) => boolean
  http?: Partial<ConstructorParameters<typeof HttpClient>[0]>
}): Promise<TestNetwork> => {
  const serverName = options.serverName ?? 'here.test'
  const signingKey = options.signingKey ?? signingKeyFromSeed('ed25519:here', randomBytes(32))
  const clock = realClock
  const extraCa = options.trust ?? (await testAuthority()).pem
  const resolver = createNameResolver({
    clock,
    hosts: new Map(options.hosts ?? []),
    hostsFile: '/dev/null',
    dns: { ...emptyDns, ...options.dns },
  })
  const http = new HttpClient({
    clock,
    resolver,
    policy: createAddressPolicy({ deny: options.deny ?? [] }),
    ...(extraCa === '' ? {} : { extraCa }),
    ...options.http,
  })
  const wellKnown = new WellKnownLookup(clock, wellKnownFetcher(http, clock))
  const discovery = new ServerDiscovery({ clock, resolver, wellKnown })
  const federation = createFederationClient({
    serverName,
    signingKey,
    discovery,
    http,
    ...(options.permits === undefined ? {} : { permits: options.permits }),
  })
  return { serverName, signingKey, http, federation, close: () => http.close() }
}

/** As much of a test as it takes to clean up after it. */
type Teardown = { teardown(clean: () => Promise<void>): void }

/** Starts a peer that ends with the test. */
export const startPeer = async (t: Teardown, options: PeerOptions = {}): Promise<ScriptedPeer> => {
  const peer = await ScriptedPeer.start(options)
  t.teardown(() => peer.close())
  return peer
}

/** Makes an outgoing side that ends with the test. */
export const startNetwork = async (
  t: Teardown,
  options: Parameters<typeof createTestNetwork>[0] = {},
): Promise<TestNetwork> => {
  const network = await createTestNetwork(options)
  t.teardown(() => network.close())
  return network
}

/** A peer, and an outgoing side that finds it by its name. */
export const startPeerAndHttp = async (
  t: Teardown,
  options: Parameters<typeof createTestNetwork>[0] = {},
  peerOptions: PeerOptions = {},
): Promise<{ peer: ScriptedPeer; http: TestNetwork['http'] }> => {
  const peer = await startPeer(t, peerOptions)
  const { http } = await startNetwork(t, { hosts: [peer.hostsEntry], ...options })
  return { peer, http }
}

/** Where a peer is, once it has been found. */
export const targetOf = ({ host, port }: ScriptedPeer): Target => ({
  candidates: [{ host, port }],
  hostHeader: host,
  tlsServerName: host,
})
