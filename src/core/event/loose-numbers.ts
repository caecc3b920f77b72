/**
 * Numbers in events that have no canonical form, such as `1.0`, `1e3` or `50.57`: room versions 1 to 5 allow them. "Servers MUST NOT
 * strictly enforce the JSON format specified in the appendices"; "Servers SHOULD be capable of handling JSON which is considered
 * invalid by these restrictions where possible".
 */
import { CanonicalJsonError, canonicalJson, checkStrictNumbers, portableJson } from '../canonical-json.ts'
import { contentHashHolds } from '../hashes.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { numberSource, parseJson } from '../parse-json.ts'
import type { RoomVersion } from '../room-versions.ts'

/**
 * An event as its sender has hashed and signed it. In the appendices' own example `1e10` becomes `10000000000`; but languages that
 * tell floats from integers, in which most of such events were made, have hashed `1.0` as they had it. Of two readings the
 * event's content hash says which one it is; where it fits neither, it stays as it was read.
 */
export const asHashed = (pdu: JsonObject, version: RoomVersion): JsonObject => {
  if (!isLoose(pdu, version) || holds(pdu)) return pdu
  const plain = plainly(pdu)
  return plain !== undefined && holds(plain) ? plain : pdu
}

/**
 * What a client sends goes out with numbers as plain as can be: servers in any language read these alike.
 * @throws {CanonicalJsonError} where they do not, or there is no canonical form
 */
export const plainContent = (content: JsonObject, version: RoomVersion): JsonObject =>
  isLoose(content, version) ? (parseJson(portableJson(content)) as JsonObject) : content

/**
 * An event to be put into a response that `JSON.stringify` writes, which would write `1.0` as `1`: what relays an event must not
 * change what was hashed.
 */
export const asItTravels = (pdu: JsonObject, version: RoomVersion): JsonObject =>
  isLoose(pdu, version) ? (withSources(pdu) as JsonObject) : pdu

const isLoose = (value: JsonObject, version: RoomVersion): boolean =>
  !version.format.strictCanonicalJson && !checkStrictNumbers(value)

const holds = (pdu: JsonObject): boolean => {
  try {
    return contentHashHolds(pdu)
  } catch (error) {
    if (error instanceof CanonicalJsonError) return false
    throw error
  }
}

const plainly = (value: JsonObject): JsonObject | undefined => {
  try {
    return parseJson(canonicalJson(value)) as JsonObject
  } catch (error) {
    if (error instanceof CanonicalJsonError) return undefined
    throw error
  }
}

/** A copy in which numbers that were read from other texts than their own stand as these. */
const withSources = (value: JsonValue): JsonValue => {
  if (typeof value !== 'object' || value === null) return value
  const written = (key: string | number, member: JsonValue | undefined): JsonValue | undefined => {
    const source = typeof member === 'number' ? numberSource(value, key, member) : undefined
    return source === undefined ? member && withSources(member) : rawJson(source)
  }
  if (!isJsonObject(value)) return value.map((member, index) => written(index, member) ?? null)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, written(key, member)]))
}

/** A value that `JSON.stringify` writes as this text (ECMAScript proposal "JSON.parse source text access"). */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON: (text: string) => JsonValue }
