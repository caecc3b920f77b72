import { isIP } from 'node:net'

/** An address of a name, and the port that a host table gives instead of the one asked for. */
export interface ResolvedAddress {
  readonly address: string
  readonly port?: number
}

/** Lower-case names and their addresses. */
export type HostTable = ReadonlyMap<string, readonly ResolvedAddress[]>

const ADDRESS_AND_PORT = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/

const parseAddress = (text: string): ResolvedAddress => {
  if (isIP(text) !== 0) return { address: text }
  const [, ipv6, ipv4, digits] = ADDRESS_AND_PORT.exec(text) ?? []
  const address = ipv6 ?? ipv4 ?? ''
  const port = Number(digits)
  if (isIP(address) === 0 || !(port > 0 && port < 65_536)) {
    throw new TypeError(`"${text}" is neither an IP address, nor one with a port such as 127.0.0.1:8449`)
  }
  return { address, port }
}

/**
 * Reads a table of the configuration.
 *
 * @throws {TypeError} naming what is no address.
 */
export const tableOf = (hosts: ReadonlyMap<string, readonly string[]>): HostTable =>
  new Map(Array.from(hosts, ([name, addresses]) => [name.toLowerCase(), addresses.map(parseAddress)]))

/** Reads the system's hosts file (hosts(5)): an address and its names per line. Other lines are passed by. */
export const parseHostsFile = (text: string): HostTable => {
  const table = new Map<string, ResolvedAddress[]>()
  for (const line of text.split('\n')) {
    const [address, ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/)
    if (address === undefined || isIP(address) === 0) continue
    for (const name of names) {
      const known = table.get(name.toLowerCase())
      if (known === undefined) table.set(name.toLowerCase(), [{ address }])
      else known.push({ address })
    }
  }
  return table
}
