import { fitsBytes, MAX_ID_BYTES } from '../ids.ts'
import { OAuthError } from './errors.ts'

/** What a client asks for, and gets. */
export interface Scope {
  /** The tokens that are understood, as the client named them, parted by spaces. */
  readonly text: string
  /** The device that the client wants to be. */
  readonly deviceId: string
  /** Whether the client wants to administer the server, where its user is an administrator. */
  readonly administers: boolean
}

/** The second name is of before version 1.15 (MSC2967). */
const API = ['urn:matrix:client:api:*', 'urn:matrix:org.matrix.msc2967.client:api:*']
const DEVICE = ['urn:matrix:client:device:', 'urn:matrix:org.matrix.msc2967.client:device:']

/** The administrators' API (docs/admin-api.md); the name is the one that tools for Synapse ask by. */
export const ADMINISTRATION = 'urn:synapse:admin:*'

/** Whether a granted scope lets a client administer the server. */
export const administers = (scope: string): boolean => scope.split(' ').includes(ADMINISTRATION)

/** `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )` (RFC 6749, 3.3). */
const TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Reads a requested scope (client-server API, "Scope"). Tokens that mean nothing here (`openid`) are left out: the answer
 * says what was granted.
 *
 * @throws {OAuthError} `invalid_scope`
 */
export const parseScope = (text: string): Scope => {
  const tokens = [...new Set(text.split(' ').filter(token => token !== ''))]
  if (!tokens.every(token => TOKEN.test(token))) throw refused('it has characters that no scope has')
  if (!tokens.some(token => API.includes(token))) throw refused('urn:matrix:client:api:* is missing')
  const deviceIdOf = (token: string): string | undefined => {
    const prefix = DEVICE.find(start => token.startsWith(start))
    return prefix === undefined ? undefined : token.slice(prefix.length)
  }
  // "There MUST be exactly one `urn:matrix:client:device:<device_id>` token in the requested scope": by either name.
  const deviceIds = new Set(tokens.map(deviceIdOf).filter(deviceId => deviceId !== undefined))
  const [deviceId] = deviceIds
  if (deviceId === undefined || deviceIds.size > 1) throw refused('it must name exactly one device')
  if (deviceId === '' || !fitsBytes(deviceId, MAX_ID_BYTES)) {
    throw refused('a device ID has 1 to 255 characters')
  }
  const known = tokens.filter(
    token => API.includes(token) || token === ADMINISTRATION || deviceIdOf(token) !== undefined,
  )
  return { text: known.join(' '), deviceId, administers: known.includes(ADMINISTRATION) }
}

const refused = (why: string): OAuthError => new OAuthError('invalid_scope', `The scope is refused: ${why}`)
