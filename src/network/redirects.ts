import type { Target } from './connector.ts'
import type { HttpClient, IncomingResponse, OutboundRequest, OutboundResponse } from './http-client.ts'
import { OutboundError } from './outbound-error.ts'

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]

/** The target of a URL: its own host is connected to, greeted, and must present the certificate. */
export const targetOfUrl = (url: URL): Target => {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new OutboundError('denied', `${url.protocol} is not spoken here`)
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  return { protocol: url.protocol, candidates: [{ host, port }], hostHeader: url.host, tlsServerName: host }
}

const parseUrl = (text: string, base?: URL): URL => {
  try {
    return new URL(text, base)
  } catch (cause) {
    throw new OutboundError('unreachable', 'not a URL', { cause })
  }
}

type RedirectOptions = Omit<OutboundRequest, 'target' | 'method' | 'path'> & {
  /** How many redirects are followed. */
  readonly maxRedirects: number
  /** Whether leaving HTTPS is refused. */
  readonly httpsOnly: boolean
  /** Whether a URL may be visited; asked for every hop. */
  readonly permits?: (url: URL) => boolean
}

/**
 * Gets a URL, following redirects. Every hop passes the client's address policy. The time-out of the options is for
 * each hop.
 *
 * @throws {OutboundError} on failure, on loops, and on one redirect too many.
 */
export const getFollowingRedirects = (
  client: Pick<HttpClient, 'request'>,
  address: string,
  options: RedirectOptions,
): Promise<OutboundResponse> =>
  follow(address, options, async request => {
    const response = await client.request(request)
    const location = locationOf(response)
    return location === undefined ? { result: response } : { location }
  })

/**
 * The same, lending the last response to `consume` while it comes.
 *
 * @param consume is also given the URL that answered.
 */
export const receiveFollowingRedirects = <T>(
  client: Pick<HttpClient, 'receive'>,
  address: string,
  options: RedirectOptions,
  consume: (response: IncomingResponse, url: URL) => Promise<T>,
): Promise<T> =>
  follow(address, options, (request, url) =>
    client.receive<Hop<T>>(request, async response => {
      const location = locationOf(response)
      return location === undefined ? { result: await consume(response, url) } : { location }
    }),
  )

type Hop<T> = { readonly location: string } | { readonly result: T }

const locationOf = ({ status, headers }: Pick<OutboundResponse, 'status' | 'headers'>): string | undefined =>
  REDIRECTS.includes(status) ? headers['location'] : undefined

const follow = async <T>(
  address: string,
  { maxRedirects, httpsOnly, permits = () => true, ...rest }: RedirectOptions,
  visit: (request: OutboundRequest, url: URL) => Promise<Hop<T>>,
): Promise<T> => {
  const visited = new Set<string>()
  let url = parseUrl(address)
  for (;;) {
    if (httpsOnly && url.protocol !== 'https:')
      throw new OutboundError('denied', 'redirected away from HTTPS')
    if (!permits(url)) throw new OutboundError('denied', 'this address is not visited')
    url.hash = ''
    if (visited.has(url.href)) throw new OutboundError('unreachable', 'redirected in a circle')
    visited.add(url.href)
    const path = `${url.pathname}${url.search}`
    const hop = await visit({ ...rest, target: targetOfUrl(url), method: 'GET', path }, url)
    if ('result' in hop) return hop.result
    if (visited.size > maxRedirects) throw new OutboundError('unreachable', 'redirected too often')
    url = parseUrl(hop.location, url)
  }
}
