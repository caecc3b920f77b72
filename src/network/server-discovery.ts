import type { Clock } from '../core/clock.ts'
import { parseServerName, type ServerName } from '../core/ids.ts'
import type { Endpoint, Target } from './connector.ts'
import { ExpiringCache } from './expiring-cache.ts'
import type { NameResolver } from './name-resolver.ts'
import { OutboundError } from './outbound-error.ts'
import { orderServices } from './service-order.ts'
import type { WellKnownLookup } from './well-known.ts'

const DEFAULT_PORT = 8448

/** The second is deprecated, and asked only where the first has no record (steps 3.4 and 5). */
const SERVICES = ['_matrix-fed._tcp', '_matrix._tcp'] as const

/** Resolvers do not tell the records' lifetimes. */
const SERVICES_LIFETIME = 5 * 60_000
/**
 * So soon the DNS is asked again where it did not say; twice as long after each further time. Some name servers never say anything of
 * services, and whoever asks waits for seconds each time.
 */
const UNTOLD_LIFETIME = 15_000

/** Where the services of a host say that its server is, and whether the DNS has said all there is to say of that. */
interface Services {
  readonly candidates: readonly Endpoint[]
  readonly isTold: boolean
  /** How often in a row the DNS has not said it since. */
  readonly untold: number
}

/** Finds out where a homeserver is (server-server API, "Resolving server names"). */
export class ServerDiscovery {
  readonly #resolver: Pick<NameResolver, 'services'>
  readonly #wellKnown: Pick<WellKnownLookup, 'delegateOf'>
  readonly #random: () => number
  readonly #services: ExpiringCache<Services>

  constructor(options: {
    clock: Clock
    resolver: Pick<NameResolver, 'services'>
    wellKnown: Pick<WellKnownLookup, 'delegateOf'>
    /** From 0 up to, not including, 1. */
    random?: () => number
  }) {
    this.#resolver = options.resolver
    this.#wellKnown = options.wellKnown
    this.#random = options.random ?? Math.random
    this.#services = new ExpiringCache(options.clock, 'server_discovery')
  }

  /**
   * Where to connect for a server name, which `Host` to send, and which name the certificate must be valid for.
   * The host names of the candidates are still to be resolved. Results are cached, concurrent look-ups share one.
   *
   * @throws {OutboundError} where the text is no server name, or its owner says that it has no server.
   */
  async resolve(serverName: string): Promise<Target> {
    const original = parseServerName(serverName)
    if (original === undefined) throw new OutboundError('unreachable', 'not a server name')
    // Steps 1 and 2
    if (isDirect(original)) return direct(original, serverName)
    // Step 3
    const delegate = await this.#wellKnown.delegateOf(original.host)
    const delegated = delegate === undefined ? undefined : parseServerName(delegate)
    if (delegate !== undefined && delegated !== undefined) {
      // Steps 3.1 and 3.2, and 3.3 to 3.5
      return isDirect(delegated) ? direct(delegated, delegate) : this.#byService(delegated.host)
    }
    // Steps 4 to 6
    return this.#byService(original.host)
  }

  async #byService(host: string): Promise<Target> {
    const { candidates } = await this.#services.get(host.toLowerCase(), async expired => {
      const found = await this.#findServices(host)
      if (found.isTold) return { value: { ...found, untold: 0 }, lifetimeMs: SERVICES_LIFETIME }
      const untold = expired?.untold ?? 0
      // As with a well-known document: a server is where it was while nobody can tell where it is. What was guessed is no place.
      return {
        value: { ...(expired?.isTold === true ? expired : found), untold: untold + 1 },
        lifetimeMs: Math.min(SERVICES_LIFETIME, UNTOLD_LIFETIME * 2 ** untold),
      }
    })
    if (candidates.length === 0) throw new OutboundError('unreachable', `${host} says that it has no server`)
    return { candidates, hostHeader: host, tlsServerName: withoutDot(host) }
  }

  async #findServices(host: string): Promise<Omit<Services, 'untold'>> {
    let isTold = true
    for (const service of SERVICES) {
      const records = await this.#resolver.services(`${service}.${withoutDot(host)}`)
      if (records === undefined) isTold = false
      if (records === undefined || records.length === 0) continue
      // RFC 2782: a target of "." means "that the service is decidedly not available at this domain".
      const candidates = orderServices(records, this.#random)
        .map(({ target, port }) => ({ host: withoutDot(target), port }))
        .filter(({ host }) => host !== '')
      return { candidates, isTold }
    }
    return { candidates: [{ host, port: DEFAULT_PORT }], isTold }
  }
}

/** A server name that needs no look-up of services: an IP literal, or one with a port. */
const isDirect = ({ kind, port }: ServerName): boolean => kind !== 'dns' || port !== undefined

const direct = ({ host, port = DEFAULT_PORT }: ServerName, text: string): Target => ({
  candidates: [{ host, port }],
  hostHeader: text,
  tlsServerName: withoutDot(host),
})

/** A name's last dot, for the root, stands neither in SNI nor in certificates (RFC 6066, 3). */
const withoutDot = (host: string): string => host.replace(/\.$/, '')
