import ipaddr from 'ipaddr.js'

/** Whom a limit by address counts together: one IPv4 address, or one IPv6 network of 64 bits, as one client has. */
export const addressKey = (address: string): string => {
  if (!address.includes(':') || !ipaddr.IPv6.isValid(address)) return address
  return ipaddr.IPv6.parse(address).toByteArray().slice(0, 8).join('.')
}
