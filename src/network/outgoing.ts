import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Clock } from '../core/clock.ts'
import { createAddressPolicy } from './address-policy.ts'
import { createConnector } from './connector.ts'
import { HttpClient, type HttpClientOptions } from './http-client.ts'
import { createNameResolver, type NameResolver } from './name-resolver.ts'
import { createOutboundProxy, type ProxySettings } from './outbound-proxy.ts'
import { targetOfUrl } from './redirects.ts'
import { trustedRoots } from './trust.ts'

/** The operator's settings for whatever leaves this server by HTTP. */
export interface Outgoing {
  readonly clock: Clock
  /** Addresses of host names, in place of the DNS. */
  readonly hosts: Readonly<Record<string, readonly string[]>>
  /** A file of certificate authorities besides the system's. */
  readonly caFile: string | undefined
  /** Direct connections, if not given. */
  readonly proxy: ProxySettings | undefined
}

/** Which addresses must not be connected to, and the exceptions. */
export interface AddressLists {
  readonly denyAddresses: readonly string[]
  readonly allowAddresses: readonly string[]
}

/** For connections to what the operator has named: it may stand anywhere. */
export const ANYWHERE: AddressLists = { denyAddresses: [], allowAddresses: [] }

export const openResolver = ({ clock, hosts }: Pick<Outgoing, 'clock' | 'hosts'>): NameResolver =>
  createNameResolver({ clock, hosts: new Map(Object.entries(hosts)) })

/** Makes a client by the operator's settings. @throws where the file of authorities cannot be read. */
export const openHttpClient = (
  outgoing: Outgoing & AddressLists,
  tuning: Partial<HttpClientOptions> = {},
): HttpClient => {
  const { clock, caFile, proxy, denyAddresses, allowAddresses } = outgoing
  return new HttpClient({
    clock,
    resolver: openResolver(outgoing),
    policy: createAddressPolicy({ deny: denyAddresses, allow: allowAddresses }),
    proxy: createOutboundProxy(proxy),
    ...(caFile === undefined ? {} : { extraCa: readFileSync(caFile, 'utf8') }),
    ...tuning,
  })
}

const CONNECT_TIMEOUT_MS = 10_000

/** Makes what opens connections to an address that the operator has named, wherever that is. */
export const openConnections = (outgoing: Outgoing, url: string): (() => Promise<Socket>) => {
  const { clock, caFile, proxy } = outgoing
  const extraCa = caFile === undefined ? undefined : readFileSync(caFile, 'utf8')
  return createConnector(targetOfUrl(new URL(url)), {
    clock,
    resolver: openResolver(outgoing),
    policy: createAddressPolicy({ deny: [] }),
    proxy: createOutboundProxy(proxy),
    roots: () => trustedRoots(extraCa),
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  })
}
