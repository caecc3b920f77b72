import type { Clock } from '../core/clock.ts'
import { parseServerName } from '../core/ids.ts'
import { isJsonObject } from '../core/json.ts'
import { JsonParseError, parseJson } from '../core/parse-json.ts'
import { withDeadline } from './deadline.ts'
import { ExpiringCache } from './expiring-cache.ts'
import { lifetimeOf } from './http-caching.ts'
import type { HttpClient, OutboundResponse } from './http-client.ts'
import { getFollowingRedirects } from './redirects.ts'

/** Gets `/.well-known/matrix/server` of a host, redirects followed. Rejects where there is no response. */
export type WellKnownFetcher = (hostname: string) => Promise<OutboundResponse>

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** The specification recommends the default and both upper limits ("Resolving server names", step 3). */
const DEFAULT_LIFETIME = 24 * HOUR
const MAX_LIFETIME = 48 * HOUR
const MAX_ERROR_LIFETIME = HOUR
/** Whatever the headers say, a burst of requests to one server asks once. */
const MIN_LIFETIME = MINUTE

const MAX_BYTES = 50 * 1024
const MAX_REDIRECTS = 5

interface Answer {
  readonly delegate: string | undefined
  /** When it was valid last. */
  readonly validAt: number
  /** How often in a row there was no valid response. */
  readonly failures: number
}

/** Makes the fetcher that asks over HTTPS. `timeoutMs` is for all redirects together. */
export const wellKnownFetcher =
  (client: Pick<HttpClient, 'request'>, clock: Clock, timeoutMs = 10_000): WellKnownFetcher =>
  hostname =>
    withDeadline(clock, timeoutMs, undefined, signal =>
      getFollowingRedirects(client, `https://${hostname}/.well-known/matrix/server`, {
        maxRedirects: MAX_REDIRECTS,
        httpsOnly: true,
        maxBytes: MAX_BYTES,
        signal,
        headers: { accept: 'application/json' },
      }),
    )

/** `m.server` of a valid response. "Parsing the response should assume that the body is JSON regardless of type." */
const delegateIn = ({ status, body }: OutboundResponse): string | undefined => {
  if (status !== 200) return undefined
  try {
    const content = parseJson(body.toString('utf8'))
    const delegate = isJsonObject(content) ? content['m.server'] : undefined
    return typeof delegate === 'string' && parseServerName(delegate) !== undefined ? delegate : undefined
  } catch (error) {
    if (error instanceof JsonParseError) return undefined
    throw error
  }
}

/** Whether a host may answer as before in a while: one that is away has not said that it delegates no longer. */
const mayPass = (response: OutboundResponse | undefined): boolean =>
  response === undefined || response.status >= 500 || response.status === 429

/**
 * Delegation by well-known, cached as the specification recommends. While a host cannot answer, what it said last holds for as
 * long as any answer may be cached.
 */
export class WellKnownLookup {
  readonly #clock: Clock
  readonly #fetch: WellKnownFetcher
  readonly #answers: ExpiringCache<Answer>

  constructor(clock: Clock, fetch: WellKnownFetcher) {
    this.#clock = clock
    this.#fetch = fetch
    this.#answers = new ExpiringCache(clock, 'well_known')
  }

  /** The server name that a host delegates to; `undefined` where it has no valid document. Never rejects. */
  async delegateOf(hostname: string): Promise<string | undefined> {
    const { delegate } = await this.#answers.get(hostname.toLowerCase(), async expired => {
      // Whatever goes wrong: "if the response is invalid …, skip to step 4".
      const response = await this.#fetch(hostname).catch(() => undefined)
      const delegate = response === undefined ? undefined : delegateIn(response)
      const now = this.#clock.now()
      if (response !== undefined && delegate !== undefined) {
        const lifetime = lifetimeOf(response.headers, now) ?? DEFAULT_LIFETIME
        const lifetimeMs = Math.min(MAX_LIFETIME, Math.max(MIN_LIFETIME, lifetime))
        return { value: { delegate, validAt: now, failures: 0 }, lifetimeMs }
      }
      const { failures: before = 0, validAt = now, delegate: last } = expired ?? {}
      const holds = mayPass(response) && now < validAt + MAX_LIFETIME
      const lifetimeMs = Math.min(MAX_ERROR_LIFETIME, MIN_LIFETIME * 2 ** before)
      return { value: { delegate: holds ? last : undefined, validAt, failures: before + 1 }, lifetimeMs }
    })
    return delegate
  }
}
