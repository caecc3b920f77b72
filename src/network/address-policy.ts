import ipaddr from 'ipaddr.js'

/** The entry of a deny list that stands for every address that is not public unicast. */
export const NON_PUBLIC = 'non-public'

/** Decides which addresses this server may connect to. */
export interface AddressPolicy {
  /** Whether a connection to this IP address is allowed. What is no IP address is not. */
  allows(address: string): boolean
}

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = readonly [Address, number]

/** IPv4 addresses that gateways and tunnels would reach by way of an IPv6 address. */
const embeddedIn = (address: Address): Address[] => {
  if (address instanceof ipaddr.IPv4) return []
  const bytes = address.toByteArray()
  const at = (...indices: number[]) => new ipaddr.IPv4(indices.map(index => bytes[index] ?? 0))
  const startsWith = (...prefix: number[]) => prefix.every((byte, index) => bytes[index] === byte)
  const last = at(12, 13, 14, 15)
  // IPv4-compatible (RFC 4291, 2.5.5.1) and IPv4-translated (RFC 2765)
  if (bytes.slice(0, 12).every(byte => byte === 0)) return [last]
  if (startsWith(0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0)) return [last]
  // NAT64 (RFC 6052), and its local-use prefix (RFC 8215), whose operator chooses where the address stands
  if (startsWith(0, 0x64, 0xff, 0x9b, 0, 0)) return [last]
  if (startsWith(0, 0x64, 0xff, 0x9b, 0, 1)) return [last, at(6, 7, 9, 10)]
  // 6to4 (RFC 3056)
  if (startsWith(0x20, 0x02)) return [at(2, 3, 4, 5)]
  // Teredo (RFC 4380): the server, and the client with its bits inverted
  if (startsWith(0x20, 0x01, 0, 0)) {
    return [at(4, 5, 6, 7), new ipaddr.IPv4(bytes.slice(12).map(byte => byte ^ 0xff))]
  }
  return []
}

const GLOBAL_UNICAST: Range = [ipaddr.parse('2000::'), 3]
const NAT64: Range = [ipaddr.parse('64:ff9b::'), 96]

const matches = (address: Address, [network, bits]: Range): boolean =>
  address.kind() === network.kind() && address.match(network, bits)

/** NAT64 of the well-known prefix is as public as the IPv4 address in it, which is judged on its own. */
const isPublic = (address: Address): boolean =>
  address instanceof ipaddr.IPv4
    ? address.range() === 'unicast'
    : matches(address, NAT64) || (address.range() === 'unicast' && matches(address, GLOBAL_UNICAST))

/** A range of IPv4-mapped addresses is the range of the IPv4 addresses, since those are compared unmapped. */
const unmapped = ([network, bits]: Range): Range =>
  network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress() && bits >= 96
    ? [network.toIPv4Address(), bits - 96]
    : [network, bits]

const parseRange = (text: string): Range => {
  try {
    if (text.includes('/')) return unmapped(ipaddr.parseCIDR(text))
    const address = ipaddr.process(text)
    return [address, address instanceof ipaddr.IPv4 ? 32 : 128]
  } catch (cause) {
    throw new TypeError(`"${text}" is neither an IP address, nor a range such as 10.0.0.0/8`, { cause })
  }
}

/**
 * Makes the policy for outgoing connections. Entries are addresses, CIDR ranges of either family, or `NON_PUBLIC`.
 * An IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4, Teredo) is allowed only if both are.
 *
 * @param lists.deny `[NON_PUBLIC]` if not given; an empty list denies nothing.
 * @param lists.allow exceptions: what stands here is allowed whatever `deny` says.
 * @throws {TypeError} naming the entry that is no range.
 */
export const createAddressPolicy = (
  lists: { readonly deny?: readonly string[]; readonly allow?: readonly string[] } = {},
): AddressPolicy => {
  const deny = lists.deny ?? [NON_PUBLIC]
  const publicOnly = deny.includes(NON_PUBLIC)
  const denied = deny.filter(entry => entry !== NON_PUBLIC).map(parseRange)
  const allowed = (lists.allow ?? []).map(parseRange)

  const permits = (address: Address): boolean =>
    allowed.some(range => matches(address, range)) ||
    !((publicOnly && !isPublic(address)) || denied.some(range => matches(address, range)))

  return {
    allows: text => {
      if (!ipaddr.isValid(text)) return false
      const address = ipaddr.process(text)
      return [address, ...embeddedIn(address)].every(permits)
    },
  }
}
