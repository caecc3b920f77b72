import { hash } from 'node:crypto'
import { decodeBase64, unpad } from './base64.ts'
import { type CanonicalMember, canonicalJsonAsRead, canonicalMembers, objectOf } from './canonical-json.ts'
import { keptMembers, redactedContent, redactPdu } from './event/redaction.ts'
import { isJsonObject, type JsonObject } from './json.ts'
import { keepNumberSources } from './parse-json.ts'
import type { RoomVersion } from './room-versions.ts'

const UNHASHED: ReadonlySet<string> = new Set(['unsigned', 'signatures', 'hashes'])
const UNSIGNED: ReadonlySet<string> = new Set(['unsigned', 'signatures'])

/**
 * The content hash of an event, over all of it but `unsigned`, `signatures` and `hashes`, as unpadded base64
 * (server-server API, "Calculating the content hash for an event").
 *
 * @param members the event's canonical members, for who has made them already
 * @throws {CanonicalJsonError} where the event has no canonical encoding.
 */
export const contentHash = (pdu: JsonObject, members?: readonly CanonicalMember[]): string => {
  const text =
    members === undefined
      ? textWithout(UNHASHED, pdu)
      : objectOf(members.filter(({ name }) => !UNHASHED.has(name)))
  return unpad(hash('sha256', text, 'base64'))
}

/** Whether an event's `hashes` fit its content. Parameters and errors as of `contentHash`. */
export const contentHashHolds = (pdu: JsonObject, members?: readonly CanonicalMember[]): boolean => {
  const { hashes } = pdu
  const claimed = isJsonObject(hashes) ? hashes['sha256'] : undefined
  if (typeof claimed !== 'string') return false
  const actual = contentHash(pdu, members)
  if (claimed === actual) return true
  // Padding and alphabet are the sender's choice.
  const bytes = decodeBase64(claimed)
  return bytes !== undefined && Buffer.from(actual, 'base64').equals(bytes)
}

/**
 * What both signatures and the reference hash cover: the redacted event without `signatures` and `unsigned`, as
 * canonical JSON (server-server API, "Signing Events").
 *
 * @param members the event's canonical members, for who has made them already
 * @throws {CanonicalJsonError} where the event has no canonical encoding.
 */
export const signedText = (
  pdu: JsonObject,
  version: RoomVersion,
  members?: readonly CanonicalMember[],
): string =>
  members === undefined
    ? textWithout(UNSIGNED, redactPdu(pdu, version))
    : objectOf(signedMembers(pdu, version, members))

/** Of an event's canonical members those that stay when it is redacted and are signed. */
const signedMembers = (
  pdu: JsonObject,
  version: RoomVersion,
  members: readonly CanonicalMember[],
): CanonicalMember[] => {
  const kept = keptMembers(version)
  const signed: CanonicalMember[] = []
  for (const member of members) {
    const { name } = member
    if (!kept.has(name) || UNSIGNED.has(name)) continue
    const content = name === 'content' ? redactedContent(pdu, version) : undefined
    if (content === undefined || content === pdu['content']) signed.push(member)
    else signed.push(...canonicalMembers({ content }))
  }
  return signed
}

/** The canonical text of an event but for what is left out, with its numbers as they were read. */
const textWithout = (left: ReadonlySet<string>, pdu: JsonObject): string => {
  const rest = Object.fromEntries(Object.entries(pdu).filter(([name]) => !left.has(name)))
  return canonicalJsonAsRead(keepNumberSources(pdu, rest))
}

/**
 * The reference hash of an event, as unpadded base64: what room versions 1 and 2 put beside event IDs in references
 * (server-server API, "Calculating the reference hash for an event").
 *
 * @throws {CanonicalJsonError} where the event has no canonical encoding.
 */
export const referenceHash = (pdu: JsonObject, version: RoomVersion): string =>
  unpad(hash('sha256', signedText(pdu, version), 'base64'))

/**
 * The event ID of an event: the one it carries (v1, v2; the empty string if it carries none), or `$` and its
 * reference hash in the base64 of the version (rooms/v3.md and v4.md, "Event IDs").
 *
 * @param signed the event's `signedText`, for who has made it already
 * @throws {CanonicalJsonError} where the event has no canonical encoding.
 */
export const eventIdOf = (pdu: JsonObject, version: RoomVersion, signed?: string): string => {
  switch (version.format.eventId) {
    case 'given':
      return typeof pdu['event_id'] === 'string' ? pdu['event_id'] : ''
    case 'hash-base64':
      return `$${unpad(hash('sha256', signed ?? signedText(pdu, version), 'base64'))}`
    case 'hash-base64url':
      return `$${hash('sha256', signed ?? signedText(pdu, version), 'base64url')}`
  }
}

/** The ID of the room that a create event makes, from room version 12 on: the event's ID with the other sigil. */
export const roomIdOfCreate = (eventId: string): string => `!${eventId.slice(1)}`
