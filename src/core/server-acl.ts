import { compileGlob, type Glob, globMatches } from './glob.ts'
import type { JsonObject, JsonValue } from './json.ts'

/** An `m.room.server_acl` that has been read once, to be asked for every request. */
export interface ServerAcl {
  readonly allowIpLiterals: boolean
  readonly allow: readonly Glob[]
  readonly deny: readonly Glob[]
}

/**
 * Reads the content of an `m.room.server_acl` event. Lists that are missing or no lists are empty, entries that are no
 * strings are passed over; `allow_ip_literals` "defaults to true if missing or otherwise not a boolean".
 */
export const parseServerAcl = (content: JsonObject): ServerAcl => ({
  allowIpLiterals: content['allow_ip_literals'] !== false,
  allow: readGlobs(content['allow']),
  deny: readGlobs(content['deny']),
})

const readGlobs = (list: JsonValue | undefined): Glob[] =>
  Array.isArray(list)
    ? list
        .filter((entry: unknown) => typeof entry === 'string')
        .map(entry => compileGlob(entry.toLowerCase()))
    : []

/**
 * Whether a server may take part in a room (client-server API, "Server Access Control Lists"). Holds for PDUs and EDUs
 * of the room, and for requests about it.
 *
 * @param acl `undefined` where the room's state has none
 * @param serverName with or without a port, which does not count; letter case does not count either
 */
export const isServerAllowed = (acl: ServerAcl | undefined, serverName: string): boolean => {
  // 1. "If there is no m.room.server_acl event in the room state, allow."
  if (acl === undefined) return true
  const host = withoutPort(serverName).toLowerCase()
  // 2. "If the server name is an IP address literal, and allow_ip_literals is false, deny."
  if (!acl.allowIpLiterals && isIpLiteral(host)) return false
  // 3. "If the server name matches an entry in the deny list, deny."
  if (acl.deny.some(glob => globMatches(glob, host))) return false
  // 4. "If it matches an entry in the allow list, allow." 5. "Otherwise, deny."
  return acl.allow.some(glob => globMatches(glob, host))
}

/** The host of a server name. The colons within the brackets of an IPv6 address start no port. */
export const withoutPort = (serverName: string): string => serverName.replace(/:[0-9]*$/, '')

/** By the grammar of server names: brackets hold an IPv6 address, and four groups of digits are IPv4. */
const isIpLiteral = (host: string): boolean =>
  host.startsWith('[') || /^[0-9]{1,3}(\.[0-9]{1,3}){3}$/.test(host)
