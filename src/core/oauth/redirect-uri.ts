/** Which addresses a client may be called back at (client-server API, "Redirect URI validation"; RFC 8252, section 7). */

export type ApplicationType = 'web' | 'native'

/** In characters. */
export const MAX_URI_LENGTH = 2000

/** The characters of RFC 3986, without `#`: "the redirect URI MUST NOT have a fragment component". */
const PLAIN = /^[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=%]+$/

/** Without a port: "the homeserver MUST then accept any port number during the authorisation flow". */
const LOOPBACK = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?=[/?]|$)/
const LOOPBACK_WITH_PORT = /^(http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])):(\d{1,5})(?=[/?]|$)/

/** "There MUST NOT be an authority component": one slash, or none. */
const PRIVATE_USE = /^([a-z][a-z0-9+.-]*):(?!\/\/)/

/** Whether an address is of the web, on a host or below it: `https`, and without user and password. */
export const isUnder = (uri: string, host: string): boolean => {
  const url = uri.length <= MAX_URI_LENGTH ? URL.parse(uri) : null
  if (url === null || url.protocol !== 'https:' || url.username !== '' || url.password !== '') return false
  return url.hostname === host || url.hostname.endsWith(`.${host}`)
}

/**
 * Whether a client may register a redirect URI.
 *
 * @param host of the client's `client_uri`, on which all that it shows has to be
 */
export const isValidRedirectUri = (uri: string, host: string, type: ApplicationType): boolean => {
  if (uri.length > MAX_URI_LENGTH || !PLAIN.test(uri) || URL.parse(uri) === null) return false
  if (/^https:/i.test(uri)) return isUnder(uri, host)
  if (type === 'web') return false
  return LOOPBACK.test(uri) || isPrivateUse(uri, host)
}

/** "The scheme MUST be prefixed with the client URI hostname in reverse-DNS notation." */
const isPrivateUse = (uri: string, host: string): boolean => {
  const scheme = PRIVATE_USE.exec(uri)?.[1]
  const prefix = host.split('.').reverse().join('.')
  // Without a dot it could be anybody's (RFC 8252, 7.1).
  return prefix.includes('.') && (scheme === prefix || scheme?.startsWith(`${prefix}.`) === true)
}

/** Whether a request may be answered at an address: one that was registered, to the letter, but for a loopback's port. */
export const isRegistered = (uri: string, registered: readonly string[]): boolean =>
  registered.includes(uri) ||
  (LOOPBACK_WITH_PORT.test(uri) && registered.includes(uri.replace(LOOPBACK_WITH_PORT, '$1')))
