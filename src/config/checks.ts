import { accessSync, constants } from 'node:fs'
import ipaddr from 'ipaddr.js'
import { roomVersions } from '../core/room-versions.ts'
import { type Problem, readingFailure } from './layer.ts'
import { databaseLocation } from './locations.ts'
import type { Config } from './schema/index.ts'
import type { OptionPath } from './schema-types.ts'
import { hasSignInPages } from './sign-in-pages.ts'

const unreadable = (path: OptionPath, file: string | undefined): Problem[] => {
  if (file === undefined) return []
  try {
    accessSync(file, constants.R_OK)
    return []
  } catch (error) {
    return [{ path, message: `names ${file}, but ${readingFailure(error)}` }]
  }
}

/** RFC 9106, section 3.1: the memory "MUST be an integer number of kibibytes from 8*p to 2^(32)-1". */
const ARGON2_MIN_BYTES = 8_192

/** What no single option can tell: options that contradict each other, and files that are not there. */
export const contradictions = (config: Config): Problem[] => {
  const problems: Problem[] = []
  const seen = new Map<string, number>()
  for (const [index, { host, port, socket, tls }] of config.listeners.entries()) {
    const place = socket ?? `${host} ${port}`
    const twin = seen.get(place)
    if (twin !== undefined && (socket !== undefined || port !== 0)) {
      const what = socket === undefined ? 'host and port' : 'socket'
      problems.push({
        path: ['listeners', index],
        message: `listens on the same ${what} as listeners[${twin}]`,
      })
    }
    if (socket !== undefined && tls !== undefined) {
      problems.push({ path: ['listeners', index, 'tls'], message: 'is for host and port: a socket has none' })
    }
    seen.set(place, index)
    problems.push(...unreadable(['listeners', index, 'tls', 'certificate'], tls?.certificate))
    problems.push(...unreadable(['listeners', index, 'tls', 'key'], tls?.key))
  }
  for (const keyId of Object.keys(config.retiredSigningKeys)) {
    if (!/^ed25519:[A-Za-z0-9_]+$/.test(keyId))
      problems.push({
        path: ['retired_signing_keys', keyId],
        message: 'must have an ID such as ed25519:a_old',
      })
  }
  problems.push(...unreadable(['ca_file'], config.caFile))
  const { email } = config
  if (email.host !== undefined && email.from === undefined) {
    problems.push({ path: ['email', 'from'], message: 'must be set, since email.host is' })
  }
  if ((email.user === undefined) !== (email.password === undefined)) {
    problems.push({ path: ['email', 'user'], message: 'goes with email.password: set both, or neither' })
  }
  if (config.registration.email === 'required' && email.host === undefined) {
    problems.push({ path: ['registration', 'email'], message: 'is required, which needs email.host' })
  }
  problems.push(...aboutProviders(config), ...aboutWorkers(config))
  const { backOff } = config.federation
  if (backOff.min > backOff.max) {
    problems.push({
      path: ['federation', 'back_off', 'min'],
      message: 'must not be longer than federation.back_off.max',
    })
  }
  if (!roomVersions.has(config.rooms.defaultVersion)) {
    const known = [...roomVersions.keys()].join(', ')
    problems.push({ path: ['rooms', 'default_version'], message: `must be one of ${known}` })
  }
  const { memory, parallelism } = config.passwords.hashing
  if (memory < ARGON2_MIN_BYTES * parallelism) {
    const least = (ARGON2_MIN_BYTES * parallelism) / 1024
    problems.push({
      path: ['passwords', 'hashing', 'memory'],
      message: `must be at least ${least}K, of which argon2 takes 8K for each thread`,
    })
  }
  return problems
}

/** Whether the database takes so many processes. */
const aboutWorkers = (config: Config): Problem[] =>
  config.workers > 1 && databaseLocation(config).kind === 'sqlite'
    ? [
        {
          path: ['workers'],
          message: 'must be 1, or database.url name a PostgreSQL database: SQLite belongs to one process',
        },
      ]
    : []

/** What does not go together about signing in with accounts elsewhere. */
const aboutProviders = (config: Config): Problem[] => {
  const { signIn, passwords, registration } = config
  const { providers } = signIn
  const problems: Problem[] = []
  for (const [index, { id, scopes }] of providers.entries()) {
    if (providers.findIndex(other => other.id === id) < index) {
      problems.push({
        path: ['sign_in', 'providers', index, 'id'],
        message: 'is that of another provider, too',
      })
    }
    if (!scopes.includes('openid')) {
      problems.push({ path: ['sign_in', 'providers', index, 'scopes'], message: 'must have openid' })
    }
  }
  if (providers.length > 0 && !hasSignInPages(config)) {
    problems.push({
      path: ['sign_in', 'providers'],
      message: 'needs oauth.enabled and public_base_url (without a path)',
    })
  }
  if (!passwords.enabled && (providers.length === 0 || registration.mode !== 'closed')) {
    problems.push({
      path: ['passwords', 'enabled'],
      message: 'is false, which needs sign_in.providers, and registration.mode: closed',
    })
  }
  return problems
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || (ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback')

/** What is allowed, but perhaps not meant. Said at every start. */
export const warningsAbout = (config: Config): string[] => [
  ...config.listeners.flatMap(({ host, socket, tls, trustedProxies }, index) =>
    isLoopback(host) || socket !== undefined || tls !== undefined || trustedProxies.length > 0
      ? []
      : [
          `listeners[${index}] serves plain HTTP on ${host}: passwords and messages travel unencrypted. Add tls, or name the reverse proxy in trusted_proxies`,
        ],
  ),
  ...(config.registration.mode === 'open'
    ? ['registration.mode is open: whoever reaches this server can make accounts, spammers included']
    : []),
  ...(config.oauth.enabled && config.publicBaseUrl !== undefined && !hasSignInPages(config)
    ? [
        'public_base_url has a path: clients sign people in by themselves, and send nobody to pages of this server',
      ]
    : []),
  ...config.signIn.providers.flatMap(({ id, issuer }) =>
    issuer.startsWith('http:') && !isLoopback(new URL(issuer).hostname)
      ? [`the issuer of the provider ${id} is not HTTPS: whoever is on the way to it can sign in as anybody`]
      : [],
  ),
  ...(config.email.tls === 'none' && config.email.host !== undefined && !isLoopback(config.email.host)
    ? ['email.tls is none: what confirms addresses and resets passwords travels unencrypted']
    : []),
]
