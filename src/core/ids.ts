/**
 * Identifiers (appendices, "Identifier Grammar"). What a peer may send is read leniently, because events with odd
 * identifiers are part of rooms' history; what this server hands out is held to the grammar.
 */
import { isIPv4, isIPv6 } from 'node:net'

/** The limit of user IDs, room IDs, room aliases, event IDs, event types and state keys, in bytes of UTF-8. */
export const MAX_ID_BYTES = 255

/** Whether a text has at most `limit` bytes in UTF-8. */
export const fitsBytes = (text: string, limit: number): boolean =>
  text.length <= limit && (text.length * 3 <= limit || Buffer.byteLength(text) <= limit)

export interface ServerName {
  /** An address without brackets, or a DNS name, as written. */
  readonly host: string
  readonly port?: number
  readonly kind: 'ipv4' | 'ipv6' | 'dns'
}

const SERVER_NAME = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9A-Za-z.-]{1,255}))(?::(\d{1,5}))?$/
const DOTTED_QUAD = /^\d{1,3}(?:\.\d{1,3}){3}$/

/**
 * Reads a server name: `host`, `host:port`, with a DNS name, an IPv4 address or an IPv6 address in brackets
 * (appendices, "Server Name"). `undefined` where it is none. Upper case stays: names are compared case-sensitively.
 */
export const parseServerName = (name: string): ServerName | undefined => {
  const match = SERVER_NAME.exec(name)
  if (match === null) return undefined
  const [, ipv6, other, digits] = match
  const port = digits === undefined ? undefined : Number(digits)
  if (port !== undefined && (port > 65_535 || port === 0)) return undefined
  const withPort = port === undefined ? {} : { port }
  if (ipv6 !== undefined) return isIPv6(ipv6) ? { host: ipv6, ...withPort, kind: 'ipv6' } : undefined
  if (other === undefined) return undefined
  if (DOTTED_QUAD.test(other)) return isIPv4(other) ? { host: other, ...withPort, kind: 'ipv4' } : undefined
  return { host: other, ...withPort, kind: 'dns' }
}

/** Whether a text is a server name. */
export const isServerName = (name: string): boolean => parseServerName(name) !== undefined

/**
 * The server part of a user ID, room ID, alias or old event ID: what stands after the first colon. The empty string
 * where there is no colon (room IDs from version 12 on, event IDs from version 3 on).
 */
export const serverNameOf = (id: string): string => {
  const colon = id.indexOf(':')
  return colon === -1 ? '' : id.slice(colon + 1)
}

/** What stands between the sigil and the first colon (or the end). */
export const localpartOf = (id: string): string => {
  const colon = id.indexOf(':')
  return id.slice(1, colon === -1 ? undefined : colon)
}

/** An identifier's outer form: sigil, at most 255 bytes, no NUL, no lone surrogates. */
const hasForm = (id: string, sigil: string): boolean =>
  id.startsWith(sigil) && fitsBytes(id, MAX_ID_BYTES) && !id.includes('\0') && id.isWellFormed()

/**
 * Whether a text is a user ID that must be accepted wherever events refer to users. Besides today's grammar these
 * are the historical ones: localparts of any characters but `:` and NUL, even empty.
 */
export const isUserId = (id: string): boolean => hasForm(id, '@') && isServerName(serverNameOf(id))

const STRICT_LOCALPART = /^[a-z0-9._=/+-]+$/
const PRINTABLE_LOCALPART = /^[\x21-\x7e]+$/

/** Whether a user ID is acceptable, but only for its age: its localpart is outside today's grammar. */
export const isHistoricalUserId = (id: string): boolean =>
  isUserId(id) && !STRICT_LOCALPART.test(localpartOf(id))

/**
 * Whether a user ID may be shown to clients outside of events. Those with an empty localpart, or with characters
 * outside U+0021 to U+007E, are non-compliant: servers "SHOULD NOT forward" them, for example in device lists.
 */
export const isCompliantUserId = (id: string): boolean =>
  isUserId(id) && PRINTABLE_LOCALPART.test(localpartOf(id))

/** Whether a localpart may be given to a new user of `serverName`: today's grammar, and room for the server name. */
export const isValidNewLocalpart = (localpart: string, serverName: string): boolean =>
  STRICT_LOCALPART.test(localpart) && fitsBytes(`@${localpart}:${serverName}`, MAX_ID_BYTES)

/** Whether a text is a room ID: with a server name, or, as from room version 12 on, without. */
export const isRoomId = (id: string): boolean =>
  hasForm(id, '!') && id.length > 1 && (!id.includes(':') || isServerName(serverNameOf(id)))

/** Whether a text is a room alias. */
export const isRoomAlias = (id: string): boolean => hasForm(id, '#') && isServerName(serverNameOf(id))

/** Whether a text can be an event ID of some room version. */
export const isEventId = (id: string): boolean => hasForm(id, '$') && id.length > 1
