import ipaddr from 'ipaddr.js'
import { parseServerName } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { verifyJson } from '../../core/signing.ts'
import type { Target } from '../../network/connector.ts'
import type { OutboundResponse } from '../../network/http-client.ts'
import { explain, type Finding, fail, ok, skip, warn } from './finding.ts'
import type { World } from './world.ts'

const DAY_MS = 86_400_000
const EXPIRES_SOON_MS = 14 * DAY_MS
/** Beyond this, keys and certificates begin to look expired or not yet valid, and messages stand in odd places. */
const CLOCK_WARN_MS = 5_000
const CLOCK_FAIL_MS = 60_000

/** The JSON object in a response, or `undefined`. */
export const objectIn = (response: OutboundResponse): JsonObject | undefined => {
  try {
    const value: unknown = JSON.parse(response.body.toString('utf8'))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** `/.well-known/matrix/server`: valid, or absent. */
export const checkServerWellKnown = async (world: World, serverName: string): Promise<Finding> => {
  const subject = 'well-known'
  const name = parseServerName(serverName)
  if (name === undefined || name.port !== undefined || name.kind !== 'dns') {
    return skip(subject, `${serverName} is used as it is, without look-up`)
  }
  const url = `https://${name.host}/.well-known/matrix/server`
  try {
    const response = await world.getUrl(url)
    if (response.status === 404)
      return ok(subject, `none for servers at ${name.host}; SRV records and port 8448 count`)
    const delegate = objectIn(response)?.['m.server']
    if (response.status === 200 && typeof delegate === 'string' && parseServerName(delegate) !== undefined) {
      return ok(subject, `${name.host} delegates to ${delegate}`)
    }
    return fail(
      subject,
      `${url} answers ${response.status} without a valid m.server`,
      `Serve {"m.server": "host:port"} there as JSON, or answer 404.`,
    )
  } catch (error) {
    return warn(
      subject,
      `${url}: ${explain(error)}`,
      'That is all right if others are to use SRV records or port 8448; else serve the file over HTTPS with a valid certificate.',
    )
  }
}

/** SRV records, which are optional. */
export const checkServices = async (world: World, serverName: string): Promise<Finding> => {
  const host = parseServerName(serverName)?.host ?? serverName
  const [current, old] = await Promise.all([
    world.resolver.services(`_matrix-fed._tcp.${host}`),
    world.resolver.services(`_matrix._tcp.${host}`),
  ])
  if (current === undefined || old === undefined)
    return warn(
      'SRV record',
      `the name servers of ${host} do not say whether there is one`,
      'Others cannot know either: have them answer for _matrix-fed._tcp, be it that there is none.',
    )
  const list = (records: typeof current): string =>
    records.map(({ target, port }) => `${target}:${port}`).join(', ')
  if (current.length > 0) return ok('SRV record', list(current))
  return old.length > 0
    ? warn(
        'SRV record',
        `only the old _matrix._tcp: ${list(old)}`,
        `Add _matrix-fed._tcp.${host} with the same value.`,
      )
    : ok('SRV record', 'none, and none is needed')
}

/** Whether the names of the server have addresses that others can reach. */
export const checkAddresses = async (world: World, target: Target): Promise<Finding> => {
  const names = target.candidates.map(({ host, port }) => `${host}:${port}`).join(', ')
  const found = await Promise.all(
    target.candidates.map(async ({ host }) =>
      ipaddr.isValid(host) ? [{ address: host }] : world.resolver.addresses(host),
    ),
  )
  const addresses = found.flat().map(({ address }) => address)
  if (addresses.length === 0) {
    if (world.proxyResolves) return skip('address', `${names}: the proxy finds the addresses of names`)
    return fail(
      'address',
      `${names} has no address in the DNS`,
      'Add an A or AAAA record, or correct the delegation.',
    )
  }
  const inside = addresses.filter(address => ipaddr.process(address).range() !== 'unicast')
  return inside.length === 0
    ? ok('address', `${names} is at ${addresses.join(', ')}`)
    : warn(
        'address',
        `${names} is at ${inside.join(', ')}, which is not on the public internet`,
        'That is right in a private network alone. Otherwise let the DNS name the public address.',
      )
}

/** Whether the certificate is valid for the name, and will stay so. */
export const checkCertificate = async (world: World, target: Target): Promise<Finding> => {
  const subject = 'certificate'
  const [endpoint] = target.candidates
  if (endpoint === undefined) return skip(subject, 'there is no address')
  const place = `${endpoint.host}:${endpoint.port}`
  try {
    const { problem, expiresAt, issuer } = await world.certificateOf(endpoint, target.tlsServerName)
    const days = Math.floor((expiresAt - world.clock.now()) / DAY_MS)
    if (problem !== undefined) {
      return fail(
        subject,
        `${place} presents one that is not valid for ${target.tlsServerName}: ${problem}`,
        `Get a certificate for ${target.tlsServerName}, and send the certificates in between along with it.`,
      )
    }
    const message = `valid for ${target.tlsServerName}, from ${issuer}, for ${days} more days`
    const fix = 'See to it that it is renewed by itself, and that the server or proxy loads the new one.'
    return expiresAt - world.clock.now() < EXPIRES_SOON_MS
      ? warn(subject, message, fix)
      : ok(subject, message)
  } catch (error) {
    return fail(
      subject,
      `${place}: ${explain(error)}`,
      `See that the port is open in the firewall and speaks TLS. Some routers do not let machines inside reach their own public address: then ask from outside.`,
    )
  }
}

/** Whether the federation API answers; and what time it is there. */
export const checkFederation = async (
  world: World,
  target: Target,
): Promise<{ finding: Finding; aheadMs?: number }> => {
  const before = world.clock.now()
  try {
    const response = await world.get(target, '/_matrix/federation/v1/version')
    const server = objectIn(response)?.['server']
    const date = Date.parse(response.headers['date'] ?? '')
    const middle = (before + world.clock.now()) / 2
    // The header counts whole seconds.
    const ahead = Number.isNaN(date) ? {} : { aheadMs: middle - (date + 500) }
    if (response.status === 200 && isJsonObject(server)) {
      const name = `${String(server['name'] ?? 'a server')} ${String(server['version'] ?? '')}`.trim()
      return { finding: ok('federation', `${target.hostHeader} answers: ${name}`), ...ahead }
    }
    const message = `${target.hostHeader} answers ${response.status} to /_matrix/federation/v1/version`
    return {
      finding: fail('federation', message, 'Let the proxy pass everything below /_matrix on, unchanged.'),
      ...ahead,
    }
  } catch (error) {
    const fix = 'See that the server runs and that the port is open in the firewall.'
    return { finding: fail('federation', `${target.hostHeader}: ${explain(error)}`, fix) }
  }
}

/** Whether this machine's clock agrees with that of another one. */
export const checkClock = (otherName: string, aheadMs: number | undefined): Finding => {
  if (aheadMs === undefined) return skip('clock', `${otherName} does not say what time it is`)
  const off = Math.abs(aheadMs)
  const seconds = `${(off / 1000).toFixed(1)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ${otherName}`
  const fix = 'Let the system set it by NTP (timedatectl set-ntp true).'
  if (off > CLOCK_FAIL_MS) return fail('clock', seconds, fix)
  return off > CLOCK_WARN_MS ? warn('clock', seconds, fix) : ok('clock', `agrees with ${otherName}`)
}

/** A key that is to be among those served. */
export interface ExpectedKey {
  readonly keyId: string
  readonly publicKey: string
}

/** Whether the server publishes its keys, signed by themselves; and among them the ones that we have. */
export const checkServedKeys = async (
  world: World,
  target: Target,
  serverName: string,
  expected: readonly ExpectedKey[],
): Promise<Finding> => {
  const subject = 'served key'
  try {
    const served = objectIn(await world.get(target, '/_matrix/key/v2/server'))
    const keys = isJsonObject(served?.['verify_keys']) ? served['verify_keys'] : undefined
    if (served === undefined || keys === undefined) {
      return fail(subject, 'no keys come from /_matrix/key/v2/server', 'Let the proxy pass /_matrix/key on.')
    }
    if (served['server_name'] !== serverName) {
      const fix = 'Correct the delegation, or the server_name of the server there.'
      return fail(subject, `the server there is ${String(served['server_name'])}, not ${serverName}`, fix)
    }
    const publicKeyOf = (keyId: string): unknown => {
      const entry = keys[keyId]
      return isJsonObject(entry) ? entry['key'] : undefined
    }
    const strange = expected.find(({ keyId, publicKey }) => publicKeyOf(keyId) !== publicKey)
    if (strange !== undefined) {
      const fix = 'Another server answers for this name, or it was started with another signing key.'
      return fail(subject, `${strange.keyId} is not served as it is in our key file`, fix)
    }
    const unsigned = Object.keys(keys).find(
      keyId => !verifyJson(served, serverName, keyId, String(publicKeyOf(keyId) ?? '')),
    )
    if (unsigned !== undefined) {
      return fail(
        subject,
        `${unsigned} does not sign the list of keys`,
        'See that no proxy changes the response.',
      )
    }
    return ok(subject, Object.keys(keys).join(', '))
  } catch (error) {
    return fail(
      subject,
      explain(error),
      'See that the server runs, and that the proxy passes /_matrix/key on.',
    )
  }
}
