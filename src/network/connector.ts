import net, { isIP, type LookupFunction, type Socket } from 'node:net'
import tls, { type SecureContext } from 'node:tls'
import type { Clock } from '../core/clock.ts'
import type { AddressPolicy } from './address-policy.ts'
import { unlessAborted, withDeadline } from './deadline.ts'
import type { ResolvedAddress } from './host-table.ts'
import type { NameResolver } from './name-resolver.ts'
import { OutboundError, toOutboundError } from './outbound-error.ts'
import type { OutboundProxy } from './outbound-proxy.ts'

/** A host to connect to: a name, or an IP address without brackets. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Whom a request is for: where to connect, whom to greet, and who must answer. */
export interface Target {
  /** `https:` if not given. */
  readonly protocol?: 'http:' | 'https:'
  /** In the order in which to try them. */
  readonly candidates: readonly Endpoint[]
  readonly hostHeader: string
  /** The name or IP address that the certificate must be valid for, and, if it is a name, the SNI. */
  readonly tlsServerName: string
}

/** What connecting needs. */
export interface ConnectorContext {
  readonly clock: Clock
  readonly policy: AddressPolicy
  readonly resolver: NameResolver
  readonly roots: () => SecureContext
  /** The way out, where the operator has named one. */
  readonly proxy?: OutboundProxy | undefined
  /** For the name's look-up, the connection and the handshake with one candidate, in milliseconds. */
  readonly connectTimeoutMs: number
}

/** How long one address of several may take before the next is tried beside it (RFC 8305). */
const ATTEMPT_MS = 500

/**
 * What some resolvers take for an IPv4 address though it is none as it stands (`10.1`, `0x7f.0.0.1`, `127.0.0.1.`): names whose last
 * label is a number, of which there are none in the DNS ("ends in a number", URL Standard).
 */
const isOddAddress = (host: string): boolean => /(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i.test(host)

/**
 * Whether a host is a name that only the proxy resolves: neither this machine nor the settings say where it is, and nobody takes it
 * for an address, which is judged here.
 */
const isForProxy = async (
  { host, port }: Endpoint,
  { proxy, resolver }: ConnectorContext,
): Promise<boolean> =>
  proxy?.resolvesNames === true &&
  isIP(host) === 0 &&
  !isOddAddress(host) &&
  proxy.carries(host, port) &&
  (await resolver.known(host)) === undefined

/**
 * The addresses of a host that the policy allows, grouped by port. The policy sees literals and what names resolve
 * to, so that neither spelling an address oddly nor a zone that points inside gets around it.
 */
const allowedAddresses = async (endpoint: Endpoint, context: ConnectorContext) => {
  const literal = isIP(endpoint.host) !== 0
  const found: readonly ResolvedAddress[] = literal
    ? [{ address: endpoint.host }]
    : await context.resolver.addresses(endpoint.host)
  if (found.length === 0) throw new OutboundError('unreachable', `${endpoint.host} has no address`)
  const allowed = found.filter(({ address }) => context.policy.allows(address))
  if (allowed.length === 0) {
    throw new OutboundError('denied', `${endpoint.host} is at an address that is not allowed`)
  }
  return Map.groupBy(allowed, ({ port }) => port ?? endpoint.port)
}

/** The look-up of the proxy itself, which the operator has named. */
const lookupBy =
  (resolver: NameResolver): LookupFunction =>
  (hostname, options, callback) => {
    resolver.addresses(hostname).then(found => {
      if (found.length > 0) answering(found)(hostname, options, callback)
      else callback(new OutboundError('unreachable', `the proxy ${hostname} has no address`), [])
    })
  }

/** A look-up that answers what has been resolved and checked already. */
const answering = (addresses: readonly ResolvedAddress[]): LookupFunction => {
  const records = addresses.map(({ address }) => ({ address, family: isIP(address) }))
  return (_hostname, options, callback) => {
    const [first] = records
    if (options.all || first === undefined) callback(null, records)
    else callback(null, first.address, first.family)
  }
}

const connected = (
  socket: Socket,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      reject(error)
      socket.destroy()
    }
    const abort = () => fail(signal.reason)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    // It stays: nobody else listens before the socket has been handed over.
    socket.on('error', fail)
    socket.once(event, () => {
      signal.removeEventListener('abort', abort)
      socket.setNoDelay(true).setKeepAlive(true, 60_000)
      resolve(socket)
    })
  })

/** One way to open a connection. */
type Way = (signal: AbortSignal) => Promise<Socket>

/**
 * Makes the function that opens connections to a target: every candidate in turn, with all addresses that the policy
 * allows, until one answers with the right certificate. TLS sessions are resumed.
 *
 * It rejects with an `OutboundError`, whose cause is the failure of each candidate.
 */
export const createConnector = (target: Target, context: ConnectorContext): (() => Promise<Socket>) => {
  let session: Buffer | undefined

  const secured = (base: object, signal: AbortSignal): Promise<Socket> => {
    const socket = tls.connect({
      ...base,
      // "unless that certificate is expected to be an IP address in which case SNI is not supported"
      ...(isIP(target.tlsServerName) === 0 ? { servername: target.tlsServerName } : {}),
      checkServerIdentity: (_name, certificate) => tls.checkServerIdentity(target.tlsServerName, certificate),
      secureContext: context.roots(),
      ALPNProtocols: ['http/1.1'],
      ...(session === undefined ? {} : { session }),
    })
    // Node emits this once the certificate was verified: only such a session is ever resumed.
    socket.on('session', latest => {
      session = latest
    })
    return connected(socket, 'secureConnect', signal)
  }

  const direct = (host: string, port: number, addresses: readonly ResolvedAddress[], signal: AbortSignal) => {
    const common = { host, port, lookup: answering(addresses), autoSelectFamilyAttemptTimeout: ATTEMPT_MS }
    return target.protocol === 'http:'
      ? connected(net.connect(common), 'connect', signal)
      : secured(common, signal)
  }

  const tunnelled = async (proxy: OutboundProxy, host: string, port: number, signal: AbortSignal) => {
    const { roots, resolver } = context
    const socket = await proxy.tunnel(host, port, { roots, signal, lookup: lookupBy(resolver) })
    return target.protocol === 'http:' ? socket : secured({ socket }, signal)
  }

  /** Each way to some of the addresses, in the order in which to try them. */
  const waysTo = (host: string, port: number, addresses: readonly ResolvedAddress[]): Way[] => {
    const { proxy } = context
    if (proxy === undefined || !proxy.carries(host, port))
      return [signal => direct(host, port, addresses, signal)]
    return addresses.map(
      each => signal =>
        proxy.carries(each.address, port)
          ? tunnelled(proxy, each.address, port, signal)
          : direct(host, port, [each], signal),
    )
  }

  const connectTo = (endpoint: Endpoint): Promise<Socket> =>
    withDeadline(context.clock, context.connectTimeoutMs, undefined, async signal => {
      const { proxy } = context
      if (proxy !== undefined && (await unlessAborted(isForProxy(endpoint, context), signal)))
        return tunnelled(proxy, endpoint.host, endpoint.port, signal)
      const groups = await unlessAborted(allowedAddresses(endpoint, context), signal)
      const ways = [...groups].flatMap(([port, addresses]) => waysTo(endpoint.host, port, addresses))
      const failures: unknown[] = []
      for (const way of ways) {
        try {
          return await way(signal)
        } catch (error) {
          if (signal.aborted) throw error
          failures.push(error)
        }
      }
      throw failures.length === 1 ? failures[0] : new AggregateError(failures, 'no address answered')
    })

  return async () => {
    const failures: OutboundError[] = []
    for (const endpoint of target.candidates) {
      try {
        return await connectTo(endpoint)
      } catch (error) {
        failures.push(toOutboundError(error))
      }
    }
    const [only] = failures
    if (only !== undefined && failures.length === 1) throw only
    const kind = failures.at(-1)?.kind ?? 'unreachable'
    throw new OutboundError(kind, `no connection to ${target.hostHeader}`, {
      cause: new AggregateError(failures),
    })
  }
}
