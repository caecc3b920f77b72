import { readFileSync } from 'node:fs'
import type { Clock } from '../../core/clock.ts'
import type { SigningKey } from '../../core/signing.ts'
import { createAddressPolicy } from '../../network/address-policy.ts'
import { createFederationClient, type FederationClient } from '../../network/federation-client.ts'
import { HttpClient } from '../../network/http-client.ts'
import { createNameResolver } from '../../network/name-resolver.ts'
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
  serverName: string
  signingKey: SigningKey
  permits: Permits
  clock: Clock
}): FederationNetwork => {
  const { options, caFile, clock, ...own } = parts
  const resolver = createNameResolver({ clock, hosts: new Map(Object.entries(options.hosts)) })
  const http = new HttpClient({
    clock,
    resolver,
    policy: createAddressPolicy({ deny: options.denyAddresses, allow: options.allowAddresses }),
    idleTimeoutMs: options.requestTimeout,
    ...(caFile === undefined ? {} : { extraCa: readFileSync(caFile, 'utf8') }),
  })
  const wellKnown = new WellKnownLookup(clock, wellKnownFetcher(http, clock))
  const discovery = new ServerDiscovery({ clock, resolver, wellKnown })
  return {
    client: createFederationClient({ ...own, discovery, http }),
    close: () => http.close(),
  }
}
