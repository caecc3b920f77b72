import { isIP } from 'node:net'
import { compileGlob, globMatches } from '../core/glob.ts'
import { withDeadline } from './deadline.ts'
import type { IncomingResponse } from './http-client.ts'
import { type AddressLists, type Outgoing, openHttpClient } from './outgoing.ts'
import { receiveFollowingRedirects } from './redirects.ts'
import { unpacked } from './unpacked.ts'

/** How pages are visited. Durations in milliseconds. */
export interface PageFetcherOptions extends Outgoing, AddressLists {
  readonly userAgent: string
  /** Tags, best first. */
  readonly languages: readonly string[]
  readonly timeout: number
  /** Patterns (globs) of hosts: if set, only these are visited. */
  readonly allowHosts?: readonly string[] | undefined
  /** Those that are not, even so. */
  readonly denyHosts: readonly string[]
}

/** The way to web pages that anybody may name. */
export interface PageFetcher {
  /** Whether a URL may be visited at all: judged before anything is asked, of every hop. */
  mayVisit(url: URL): boolean
  /**
   * Lends what a URL leads to while it comes, unpacked; `consume` is also given the URL that answered, and bounds what it reads.
   *
   * @throws {OutboundError}; and what `consume` throws.
   */
  get<T>(
    url: string,
    accept: string,
    consume: (response: IncomingResponse, url: URL) => Promise<T>,
  ): Promise<T>
  close(): Promise<void>
}

const MAX_REDIRECTS = 6

/** Names that mean something else in every network. */
const LOCAL_NAME =
  /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|home|corp|home\.arpa|onion)\.?$/i

/** "no credentials, no local names, no other protocols"; addresses are for the policy to judge. */
const isOrdinary = ({ protocol, username, password, hostname }: URL): boolean => {
  if ((protocol !== 'https:' && protocol !== 'http:') || username !== '' || password !== '') return false
  if (isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0) return true
  return hostname.replace(/\.$/, '').includes('.') && !LOCAL_NAME.test(hostname)
}

/** The operator's lists of hosts as a question. */
const hostCheck = ({ allowHosts, denyHosts }: Pick<PageFetcherOptions, 'allowHosts' | 'denyHosts'>) => {
  const globs = (patterns: readonly string[]) => patterns.map(each => compileGlob(each.toLowerCase()))
  const allowed = allowHosts && globs(allowHosts)
  const denied = globs(denyHosts)
  return ({ hostname }: URL): boolean => {
    const host = hostname.replace(/\.$/, '')
    if (denied.some(glob => globMatches(glob, host))) return false
    return allowed === undefined || allowed.some(glob => globMatches(glob, host))
  }
}

/** The header for languages of which the first is the best: `de, en;q=0.9, *;q=0.1`. */
const acceptLanguage = (languages: readonly string[]): string => {
  const weighed = languages.slice(0, 8).map((tag, index) => (index === 0 ? tag : `${tag};q=0.${10 - index}`))
  return [...weighed, '*;q=0.1'].join(', ')
}

/** Opens the way: a client of its own, whose address policy is asked for every connection. */
export const openPageFetcher = (options: PageFetcherOptions): PageFetcher => {
  const { timeout } = options
  const isWanted = hostCheck(options)
  const mayVisit = (url: URL): boolean => isOrdinary(url) && isWanted(url)
  const http = openHttpClient(options, {
    userAgent: options.userAgent,
    idleTimeoutMs: timeout,
    connectionsPerTarget: 2,
    maxPools: 50,
    keepAliveMs: 5_000,
  })
  return {
    mayVisit,
    get: (url, accept, consume) =>
      // All hops together: a page that leads on and on takes no longer than one that does not.
      withDeadline(options.clock, timeout, undefined, signal =>
        receiveFollowingRedirects(
          http,
          url,
          {
            headers: { accept, 'accept-language': acceptLanguage(options.languages) },
            timeoutMs: timeout,
            signal,
            // Whoever reads stops where it is enough, also of pages that say that they are endless.
            maxBytes: Number.MAX_SAFE_INTEGER,
            maxRedirects: MAX_REDIRECTS,
            httpsOnly: false,
            permits: mayVisit,
          },
          (response, at) => consume(unpacked(response), at),
        ),
      ),
    close: () => http.close(),
  }
}
