import { hash } from 'node:crypto'
import { unpad } from './base64.ts'
import { canonicalJson, objectOf } from './canonical-json.ts'
import { redactPdu } from './event/redaction.ts'
import type { JsonObject } from './json.ts'
import type { RoomVersion } from './room-versions.ts'

/**
 * The content hash of an event, over all of it but `unsigned`, `signatures` and `hashes`, as unpadded base64
 * (server-server API, "Calculating the content hash for an event").
 *
 * @param texts the canonical texts of the event's members, for who has made them already
 * @throws {CanonicalJsonError} where the event has no canonical encoding.
 */
export const contentHash = (pdu: JsonObject, texts?: ReadonlyMap<string, string>): string => {
  const { unsigned: _, signatures: __, hashes: ___, ...rest } = pdu
  return unpad(hash('sha256', textOf(rest, pdu, texts), 'base64'))
}

/**
 * What both signatures and the reference hash cover: the redacted event without `signatures` and `unsigned`, as
 * canonical JSON (server-server API, "Signing Events").
 *
 * @param texts the canonical texts of the event's members, for who has made them already
 * @throws {CanonicalJsonError} where the event has no canonical encoding.
 */
export const signedText = (
  pdu: JsonObject,
  version: RoomVersion,
  texts?: ReadonlyMap<string, string>,
): string => {
  const { signatures: _, unsigned: __, ...rest } = redactPdu(pdu, version)
  return textOf(rest, pdu, texts)
}

/** The canonical text of what is left of an event, made of the texts of its members as far as these are the event's. */
const textOf = (
  rest: JsonObject,
  pdu: JsonObject,
  texts: ReadonlyMap<string, string> | undefined,
): string => {
  if (texts === undefined) return canonicalJson(rest)
  const members = new Map<string, string>()
  for (const [name, value] of Object.entries(rest)) {
    if (value === undefined) continue
    const known = value === pdu[name] ? texts.get(name) : undefined
    members.set(name, known ?? canonicalJson(value))
  }
  return objectOf(members)
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
