import { lookup, Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'
import { type HostTable, parseHostsFile, type ResolvedAddress, tableOf } from './host-table.ts'

/** An SRV record (RFC 2782). */
export interface ServiceRecord {
  readonly target: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

/** Looks names up. No method ever rejects. */
export interface NameResolver {
  /** The addresses of a host name, best first. */
  addresses(hostname: string): Promise<readonly ResolvedAddress[]>
  /** Those that are known without asking anybody: by the settings, this machine's hosts file, or as loopback. */
  known(hostname: string): Promise<readonly ResolvedAddress[] | undefined>
  /**
   * The SRV records of a service, such as `_matrix-fed._tcp.example.org`, as they came; `undefined` where the DNS does not say
   * whether there are any.
   */
  services(name: string): Promise<readonly ServiceRecord[] | undefined>
}

/** The DNS, as far as it is used. The methods of `node:dns/promises`, which reject where there is no record. */
export interface Dns {
  resolve4(name: string): Promise<string[]>
  resolve6(name: string): Promise<string[]>
  resolveSrv(name: string): Promise<{ name: string; port: number; priority: number; weight: number }[]>
  /** The system's own look-up, which knows search domains. */
  lookup(name: string): Promise<{ address: string }[]>
}

/** What a hostile zone may make us try. */
const MAX_RECORDS = 16
const HOSTS_FILE_FRESH_MS = 10_000

/**
 * The DNS by c-ares. The system's `getaddrinfo` is only asked for names of one label, as found in container networks:
 * it occupies a thread of the pool that hashing and files need, for as long as a dead name server takes.
 */
const systemDns = (): Dns => {
  const resolver = new Resolver({ timeout: 1_500, tries: 2 })
  return {
    resolve4: name => resolver.resolve4(name),
    resolve6: name => resolver.resolve6(name),
    resolveSrv: name => resolver.resolveSrv(name),
    lookup: name => lookup(name, { all: true }),
  }
}

/** What the DNS says of a name without such records. */
const NO_RECORDS: readonly unknown[] = ['ENOTFOUND', 'ENODATA']

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

const orNone = async <T>(records: Promise<T[]>): Promise<T[]> => {
  try {
    return (await records).slice(0, MAX_RECORDS)
  } catch {
    return []
  }
}

const normal = (hostname: string): string => hostname.toLowerCase().replace(/\.$/, '')

const hostsFileOf = (path: string, clock: Clock): (() => Promise<HostTable>) => {
  let read: { table: Promise<HostTable>; at: number } | undefined
  return () => {
    if (read === undefined || clock.now() - read.at >= HOSTS_FILE_FRESH_MS) {
      const table = readFile(path, 'utf8').then(parseHostsFile, () => new Map())
      read = { table, at: clock.now() }
    }
    return read.table
  }
}

/**
 * Makes the resolver: the `hosts` of the configuration, then the system's hosts file, then the DNS.
 *
 * @param options.hosts names that are resolved without touching the system: name → addresses. An address may carry a
 *   port, `127.0.0.1:8449`, which is then used instead of any other. These names have no SRV records.
 * @param options.hostsFile `/etc/hosts` if not given.
 * @param options.dns replaces the DNS, for tests.
 * @throws {TypeError} on an entry of `hosts` that is no address.
 */
export const createNameResolver = (options: {
  clock: Clock
  hosts?: ReadonlyMap<string, readonly string[]>
  hostsFile?: string
  dns?: Dns
}): NameResolver => {
  const overrides = tableOf(options.hosts ?? new Map())
  const hostsFile = hostsFileOf(options.hostsFile ?? '/etc/hosts', options.clock)
  const dns = options.dns ?? systemDns()

  const known = async (hostname: string): Promise<readonly ResolvedAddress[] | undefined> => {
    const name = normal(hostname)
    const listed = overrides.get(name) ?? (await hostsFile()).get(name)
    if (listed !== undefined) return listed
    // RFC 6761, 6.3: these never leave the machine.
    const isLocal = name === 'localhost' || name.endsWith('.localhost')
    return isLocal ? [{ address: '::1' }, { address: '127.0.0.1' }] : undefined
  }

  const addresses = async (hostname: string): Promise<readonly ResolvedAddress[]> => {
    const name = normal(hostname)
    const near = await known(name)
    if (near !== undefined) return near
    const found = await Promise.all([orNone(dns.resolve6(name)), orNone(dns.resolve4(name))])
    const records = found.flat().map(address => ({ address }))
    if (records.length > 0 || name.includes('.')) return records
    return (await orNone(dns.lookup(name))).map(({ address }) => ({ address }))
  }

  const services = async (name: string): Promise<readonly ServiceRecord[] | undefined> => {
    const [, , ...host] = normal(name).split('.')
    if (overrides.has(host.join('.'))) return []
    try {
      const records = (await dns.resolveSrv(normal(name))).slice(0, MAX_RECORDS)
      return records.map(({ name: target, port, priority, weight }) => ({ target, port, priority, weight }))
    } catch (error) {
      return NO_RECORDS.includes(codeOf(error)) ? [] : undefined
    }
  }

  return { addresses, known, services }
}
