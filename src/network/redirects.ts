import type { Target } from './connector.ts'
import type { HttpClient, OutboundRequest, OutboundResponse } from './http-client.ts'
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

/**
 * Gets a URL, following redirects. Every hop passes the client's address policy. The time-out of the options is for
 * each hop.
 *
 * @param options.maxRedirects how many redirects are followed.
 * @param options.httpsOnly whether leaving HTTPS is refused.
 * @throws {OutboundError} on failure, on loops, and on one redirect too many.
 */
export const getFollowingRedirects = async (
  client: Pick<HttpClient, 'request'>,
  address: string,
  options: Omit<OutboundRequest, 'target' | 'method' | 'path'> & { maxRedirects: number; httpsOnly: boolean },
): Promise<OutboundResponse> => {
  const { maxRedirects, httpsOnly, ...rest } = options
  const visited = new Set<string>()
  let url = parseUrl(address)
  for (;;) {
    if (httpsOnly && url.protocol !== 'https:')
      throw new OutboundError('denied', 'redirected away from HTTPS')
    url.hash = ''
    if (visited.has(url.href)) throw new OutboundError('unreachable', 'redirected in a circle')
    visited.add(url.href)
    const path = `${url.pathname}${url.search}`
    const response = await client.request({ ...rest, target: targetOfUrl(url), method: 'GET', path })
    const location = response.headers['location']
    if (!REDIRECTS.includes(response.status) || location === undefined) return response
    if (visited.size > maxRedirects) throw new OutboundError('unreachable', 'redirected too often')
    url = parseUrl(location, url)
  }
}
