import type { Clock } from '../../core/clock.ts'
import type { SigningKey } from '../../core/signing.ts'
import { createFederationClient, type FederationClient } from '../../network/federation-client.ts'
import type { ProxySettings } from '../../network/outbound-proxy.ts'
import { openHttpClient, openResolver } from '../../network/outgoing.ts'
import { ServerDiscovery } from '../../network/server-discovery.ts'
import { WellKnownLookup, wellKnownFetcher } from '../../network/well-known.ts'
import type { FederationOptions, Permits } from './options.ts'

/** The way to other servers, and how it is closed. */
export interface FederationNetwork {
  readonly client: FederationClient
  close(): Promise<void>
}

/** Puts together discovery, connections and the client that signs. */
export const openFederationNetwork = (parts: {
  options: FederationOptions
  /** A file of certificate authorities besides the system's. */
  caFile: string | undefined
  proxy: ProxySettings | undefined
  serverName: string
  signingKey: SigningKey
  permits: Permits
  clock: Clock
}): FederationNetwork => {
  const { options, caFile, proxy, clock, ...own } = parts
  const outgoing = { ...options, caFile, proxy, clock }
  const resolver = openResolver(outgoing)
  const http = openHttpClient(outgoing, { resolver, idleTimeoutMs: options.requestTimeout })
  const wellKnown = new WellKnownLookup(clock, wellKnownFetcher(http, clock))
  const discovery = new ServerDiscovery({ clock, resolver, wellKnown })
  return {
    client: createFederationClient({ ...own, discovery, http }),
    close: () => http.close(),
  }
}
