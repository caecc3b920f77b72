import { readFileSync } from 'node:fs'
import { isIP, type Socket } from 'node:net'
import tls from 'node:tls'
import { outgoingOf } from '../../composition/options.ts'
import type { Config } from '../../config/schema/index.ts'
import type { Clock } from '../../core/clock.ts'
import type { Endpoint, Target } from '../../network/connector.ts'
import type { OutboundResponse } from '../../network/http-client.ts'
import type { NameResolver } from '../../network/name-resolver.ts'
import { ANYWHERE, openConnections, openHttpClient, openResolver } from '../../network/outgoing.ts'
import { getFollowingRedirects } from '../../network/redirects.ts'
import { ServerDiscovery } from '../../network/server-discovery.ts'
import { trustedRoots } from '../../network/trust.ts'
import { WellKnownLookup, wellKnownFetcher } from '../../network/well-known.ts'
import { systemClock } from '../../system-clock.ts'

/** The certificate that an endpoint presents. */
export interface CertificateFacts {
  /** Why it is not trusted for the name; `undefined` where it is. */
  readonly problem: string | undefined
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  readonly issuer: string
}

/** The network as the server itself sees it, but for the deny list: a doctor may look anywhere. */
export interface World {
  readonly clock: Clock
  readonly resolver: NameResolver
  /** Whether connections go through a proxy that finds the addresses of names. */
  readonly proxyResolves: boolean
  /** Where a server is, by the rules of federation. */
  locate(serverName: string): Promise<Target>
  get(target: Target, path: string): Promise<OutboundResponse>
  /** Follows redirects. */
  getUrl(url: string, headers?: Readonly<Record<string, string>>): Promise<OutboundResponse>
  certificateOf(endpoint: Endpoint, name: string): Promise<CertificateFacts>
  close(): Promise<void>
}

const HEADERS = { accept: 'application/json', origin: 'https://client.example' }

/** @param timeoutMs how long to wait for each answer */
export const createWorld = (config: Config, timeoutMs: number): World => {
  const clock = systemClock
  const extraCa = config.caFile === undefined ? undefined : readFileSync(config.caFile, 'utf8')
  const outgoing = outgoingOf(config, clock)
  const resolver = openResolver(outgoing)
  const client = openHttpClient({ ...outgoing, ...ANYWHERE }, { resolver, connectTimeoutMs: timeoutMs })
  const wellKnown = new WellKnownLookup(clock, wellKnownFetcher(client, clock))
  const discovery = new ServerDiscovery({ clock, resolver, wellKnown })
  return {
    clock,
    resolver,
    proxyResolves: outgoing.proxy?.url !== undefined && outgoing.proxy.resolveNames === 'proxy',
    locate: serverName => discovery.resolve(serverName),
    get: (target, path) => client.request({ target, method: 'GET', path, headers: HEADERS, timeoutMs }),
    getUrl: (url, headers) =>
      getFollowingRedirects(client, url, {
        maxRedirects: 5,
        httpsOnly: url.startsWith('https:'),
        headers: { ...HEADERS, ...headers },
        timeoutMs,
      }),
    certificateOf: async ({ host, port }, name) => {
      const connect = openConnections(outgoing, `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`)
      return presented(await connect(), name, { extraCa, timeoutMs })
    },
    close: () => client.close(),
  }
}

/** Looks at the certificate even if it is bad: that is when the details matter. */
const presented = (
  connection: Socket,
  name: string,
  { extraCa, timeoutMs }: { readonly extraCa: string | undefined; readonly timeoutMs: number },
): Promise<CertificateFacts> =>
  new Promise((resolve, reject) => {
    const isName = /[a-z]/i.test(name) && !name.includes(':')
    const socket = tls.connect({
      socket: connection,
      rejectUnauthorized: false,
      secureContext: trustedRoots(extraCa),
      ...(isName ? { servername: name } : {}),
    })
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('no answer in time')))
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerCertificate()
      const untrusted = socket.authorized ? undefined : String(socket.authorizationError)
      resolve({
        problem: untrusted ?? tls.checkServerIdentity(name, certificate)?.message,
        expiresAt: Date.parse(certificate.valid_to),
        issuer: [certificate.issuer?.O ?? certificate.issuer?.CN ?? 'nobody'].flat().join(', '),
      })
      socket.destroy()
    })
  })
