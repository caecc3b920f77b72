import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = [Address, number]

/** Connections over UNIX sockets: who may open those files is a proxy of this machine. */
export const localConnections = new WeakSet<Socket>()
const THIS_MACHINE = '127.0.0.1'

/**
 * Answers a request's client address. `X-Forwarded-For` counts only as far as it was written by proxies: those on
 * `localConnections`, and those in `trustedProxies` (addresses or CIDR ranges). It is read from the right, up to the first address that is none of
 * them. IPv4 addresses mapped into IPv6 come out as IPv4. Throws on a malformed range.
 */
export const createClientAddress = (
  trustedProxies: readonly string[] = [],
): ((request: IncomingMessage) => string) => {
  const isTrusted = createNetworkCheck(trustedProxies)
  return request => {
    const isLocal = localConnections.has(request.socket)
    let address = isLocal ? THIS_MACHINE : normalise(request.socket.remoteAddress ?? '')
    if (!isLocal && trustedProxies.length === 0) return address
    const forwarded = String(request.headers['x-forwarded-for'] ?? '').split(',')
    for (let isProxy = isLocal || isTrusted(address); isProxy; isProxy = isTrusted(address)) {
      const next = normalise(forwarded.pop()?.trim() ?? '')
      if (!ipaddr.isValid(next)) break
      address = next
    }
    return address
  }
}

/** By which proxies say for whom they ask. */
const FORWARDING = ['x-forwarded-for', 'x-real-ip', 'forwarded'] as const

/**
 * Answers the address of the proxy by way of which a request says to have come, though that is none of those that are believed
 * (`trustedProxies`): who asks is not known then, and the address that counts is the proxy's own.
 */
export const createUnnamedProxy = (
  trustedProxies: readonly string[] = [],
): ((request: IncomingMessage) => string | undefined) => {
  const isTrusted = createNetworkCheck(trustedProxies)
  return ({ headers, socket }) => {
    if (!FORWARDING.some(name => headers[name] !== undefined) || localConnections.has(socket))
      return undefined
    const address = normalise(socket.remoteAddress ?? '')
    return isTrusted(address) ? undefined : address
  }
}

/** Whether an address is in one of these networks (addresses or CIDR ranges). Throws on a malformed range. */
export const createNetworkCheck = (networks: readonly string[]): ((address: string) => boolean) => {
  const ranges = networks.map(parseRange)
  return address => {
    if (!ipaddr.isValid(address)) return false
    const parsed = ipaddr.process(address)
    return ranges.some(([range, bits]) => range.kind() === parsed.kind() && matches(parsed, range, bits))
  }
}

const parseRange = (text: string): Range =>
  text.includes('/')
    ? ipaddr.parseCIDR(text)
    : [ipaddr.process(text), ipaddr.process(text).kind() === 'ipv4' ? 32 : 128]

const matches = (address: Address, range: Address, bits: number): boolean =>
  (address as ipaddr.IPv6).match(range as ipaddr.IPv6, bits)

const normalise = (address: string): string =>
  address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
