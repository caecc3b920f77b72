import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { decodeBase64 } from '../core/base64.ts'
import { parseMailbox } from '../core/email-address.ts'
import { isRoomAlias, isRoomId, isServerName, isUserId, isValidNewLocalpart } from '../core/ids.ts'
import { parseMxc } from '../core/media.ts'
import { parseDuration, parseSize } from './units.ts'

/** What a `format` of the schema admits, and how a message or the manual says it. */
interface Format {
  readonly allowed: string
  readonly admits: (text: string) => boolean
}

/** Whether the text is an absolute URL of one of the protocols, without query and fragment. */
const isUrl = (text: string, protocols: readonly string[]): boolean => {
  const url = URL.parse(text)
  return url !== null && protocols.includes(url.protocol) && url.hash === '' && /^[a-z]+:\/\/[^/]/.test(text)
}

const isAddress = (text: string): boolean => isIP(text) !== 0

/** An address with a port, as `127.0.0.1:8449` or `[::1]:8449`. */
const isAddressAndPort = (text: string): boolean => {
  const [, ipv6, ipv4, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  return isAddress(ipv6 ?? ipv4 ?? '') && Number(port) > 0 && Number(port) < 65_536
}

const isNetwork = (text: string): boolean => isAddress(text) || ipaddr.isValidCIDR(text)

/** What `NO_PROXY` and `outbound_proxy.bypass` hold. */
export const isProxyException = (text: string): boolean =>
  text === '*' || isNetwork(text) || /^(?:\*?\.)?[\w-]+(?:\.[\w-]+)*\.?(?::\d{1,5})?$/.test(text)

const hasReadableCredentials = (text: string): boolean => {
  const url = URL.parse(text)
  try {
    return url !== null && decodeURIComponent(`${url.username}:${url.password}`) !== ''
  } catch {
    return false
  }
}

export const FORMATS = {
  'server-name': {
    allowed: 'a server name such as example.org, matrix.example.org:8448 or [::1]:8448',
    admits: isServerName,
  },
  'server-pattern': {
    allowed: 'a server name, in which * and ? may stand for any characters',
    admits: text => /^[0-9A-Za-z.:*?[\]-]{1,255}$/.test(text),
  },
  'user-id': { allowed: 'a user ID such as @alice:example.org', admits: isUserId },
  room: {
    allowed: 'a room alias such as #welcome:example.org, or a room ID',
    admits: text => isRoomAlias(text) || isRoomId(text),
  },
  'room-id': { allowed: 'a room ID such as !abcdef:example.org', admits: isRoomId },
  localpart: {
    allowed: 'what comes before the colon in a user ID, such as alice',
    admits: text => isValidNewLocalpart(text, 'localhost'),
  },
  'mxc-uri': {
    allowed: 'a URI such as mxc://example.org/abcdef',
    admits: text => parseMxc(text) !== undefined,
  },
  'provider-id': {
    allowed: 'a name of letters, digits and . _ ~ -',
    admits: text => /^[0-9A-Za-z._~-]{1,64}$/.test(text),
  },
  brand: {
    allowed: 'a name such as google: small letters, digits and . _ -',
    admits: text => /^[a-z][a-z0-9._-]{0,63}$/.test(text),
  },
  mailbox: {
    allowed: 'an e-mail address such as noreply@example.org, alone or as in Our server <noreply@example.org>',
    admits: text => parseMailbox(text) !== undefined,
  },
  host: {
    allowed: 'an IP address or a host name',
    admits: text =>
      ipaddr.isValid(text) || (isServerName(text) && !text.includes(':') && !text.includes('[')),
  },
  address: {
    allowed: 'an IP address, alone or with a port such as 127.0.0.1:8448',
    admits: text => isAddress(text) || isAddressAndPort(text),
  },
  network: {
    allowed: 'an IP address such as 10.1.2.3 or a network such as 10.0.0.0/8',
    admits: isNetwork,
  },
  'proxy-url': {
    allowed: 'a URL such as http://proxy.example.org:3128',
    admits: text => isUrl(text, ['https:', 'http:']) && !text.includes('?') && hasReadableCredentials(text),
  },
  'proxy-exception': {
    allowed:
      'a name such as example.org, alone or with a port, an IP address, a network such as 10.0.0.0/8, or *',
    admits: isProxyException,
  },
  'ed25519-key': {
    admits: text => decodeBase64(text)?.length === 32,
    allowed: 'the 32 bytes of a public key in base64',
  },
  'denied-network': {
    allowed: 'non-public, an IP address such as 10.1.2.3, or a network such as 10.0.0.0/8',
    admits: text => text === 'non-public' || isNetwork(text),
  },
  'base-url': {
    allowed: 'a URL such as https://matrix.example.org',
    admits: text => isUrl(text, ['https:', 'http:']) && !text.includes('?'),
  },
  'database-url': {
    allowed:
      'sqlite: and a file, or a URL such as postgres://user:password@host/database (in a password write %23 for #, %2F for /, %3F for ?)',
    admits: text => /^sqlite:./.test(text) || (/^postgres(ql)?:\/\/./.test(text) && URL.canParse(text)),
  },
  duration: {
    allowed: 'a duration such as 500ms, 10s, 5m, 12h, 7d or 2w',
    admits: text => parseDuration(text) !== undefined,
  },
  size: { allowed: 'a size such as 500K, 50M or 2G', admits: text => parseSize(text) !== undefined },
  instant: {
    allowed: 'a date such as 2024-09-01, alone or with a time such as 2024-09-01T12:00:00Z',
    admits: text => /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(text) && !Number.isNaN(Date.parse(text)),
  },
  language: {
    allowed: 'a language such as en or pt-BR',
    admits: text => /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$/.test(text),
  },
  'file-mode': {
    allowed: 'three digits as chmod has them, in quotes, such as "660"',
    admits: text => /^[0-7]{3}$/.test(text),
  },
  path: { allowed: 'a path', admits: text => text !== '' && !text.includes('\0') },
  'not-empty': { allowed: 'a text that is not empty', admits: text => text !== '' },
} as const satisfies Record<string, Format>

/** Looks a format up by the name that a schema gives. */
export const formatNamed = (name: string): Format | undefined =>
  Object.hasOwn(FORMATS, name) ? FORMATS[name as keyof typeof FORMATS] : undefined
