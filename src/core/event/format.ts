/**
 * The event format of each room version: check 1 of "Checks performed on receipt of a PDU" (server-server API).
 *
 * Only top-level fields are judged here. Content belongs to whoever reads it: an odd value in it never makes an
 * event invalid.
 */
import { CanonicalJsonError, canonicalJson } from '../canonical-json.ts'
import { eventIdOf, roomIdOfCreate } from '../hashes.ts'
import { fitsBytes, isServerName, isUserId, MAX_ID_BYTES, serverNameOf } from '../ids.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { exactInteger } from '../parse-json.ts'
import type { RoomVersion } from '../room-versions.ts'
import type { Refusal, RoomEvent, Verdict } from './event.ts'
import { asHashed } from './loose-numbers.ts'

/** The limit of a whole event in its federation format, as canonical JSON, in bytes. */
export const MAX_EVENT_BYTES = 65_536
/**
 * The limit of an event that is made here: it leaves room for the `unsigned` that other servers count. They drop an event that
 * is too long for them, and everything after it; Synapse judges what it got or relays together with its `age_ts`.
 */
export const MAX_OWN_EVENT_BYTES = MAX_EVENT_BYTES - '"unsigned":{"age_ts":1767225600000},'.length
/** How many events may be named in `prev_events`. */
export const MAX_PREV_EVENTS = 20
/** How many events may be named in `auth_events`. */
export const MAX_AUTH_EVENTS = 10

const field = (message: string): Refusal => ({ rule: 'event-field', message })
const size = (message: string): Refusal => ({ rule: 'event-size', message })

/** Whether this is the event that makes a room, and so has no `room_id` where that is its own hash. */
const makesRoom = (pdu: JsonObject): boolean => pdu['type'] === 'm.room.create' && pdu['state_key'] === ''

/** An ID is a well-formed string with its sigil; whose grammar it follows is not asked, since history holds all sorts. */
const isLenientId = (id: JsonValue | undefined, sigil: string): id is string =>
  typeof id === 'string' && id.startsWith(sigil) && id.length > 1 && !id.includes('\0')

const checkIds = (pdu: JsonObject, version: RoomVersion): Verdict => {
  const { sender, room_id: roomId, event_id: eventId } = pdu
  if (typeof sender !== 'string') return field('sender is not a string')
  if (!fitsBytes(sender, MAX_ID_BYTES)) return size('sender is longer than 255 bytes')
  if (!isUserId(sender)) return field('sender is not a user ID')

  // Room version 12 refuses create events with a `room_id` as an auth rule: such an event is rejected, not dropped.
  if (roomId !== undefined || !version.format.roomIdIsCreateHash || !makesRoom(pdu)) {
    if (!isLenientId(roomId, '!')) return field('room_id is not a room ID')
    if (!fitsBytes(roomId, MAX_ID_BYTES)) return size('room_id is longer than 255 bytes')
  }

  if (version.format.eventId === 'given') {
    if (!isLenientId(eventId, '$')) return field('event_id is not an event ID')
    if (!fitsBytes(eventId, MAX_ID_BYTES)) return size('event_id is longer than 255 bytes')
    // Its server signs the event as well.
    if (!isServerName(serverNameOf(eventId))) return field('event_id has no server name')
  }
  return undefined
}

const checkKind = (pdu: JsonObject, version: RoomVersion): Verdict => {
  const { type, state_key: stateKey, content, redacts } = pdu
  if (typeof type !== 'string') return field('type is not a string')
  if (!fitsBytes(type, MAX_ID_BYTES)) return size('type is longer than 255 bytes')
  if (stateKey !== undefined) {
    if (typeof stateKey !== 'string') return field('state_key is not a string')
    if (!fitsBytes(stateKey, MAX_ID_BYTES)) return size('state_key is longer than 255 bytes')
  }
  if (!isJsonObject(content)) return field('content is not an object')
  if (!version.format.redactsInContent && redacts !== undefined && typeof redacts !== 'string') {
    return field('redacts is not a string')
  }
  return undefined
}

const isSignatures = (signatures: JsonValue | undefined): boolean =>
  isJsonObject(signatures) &&
  Object.values(signatures).every(
    ofServer =>
      isJsonObject(ofServer) && Object.values(ofServer).every(signature => typeof signature === 'string'),
  )

const checkProofs = (pdu: JsonObject): Verdict => {
  const { hashes, signatures, unsigned } = pdu
  if (!isJsonObject(hashes) || typeof hashes['sha256'] !== 'string') return field('hashes has no sha256')
  if (!isSignatures(signatures)) return field('signatures is not an object of signatures by server and key')
  if (unsigned !== undefined && !isJsonObject(unsigned)) return field('unsigned is not an object')
  return undefined
}

/**
 * The greatest depth: 2^63 − 1, or 2^53 − 1 where canonical JSON is enforced. Doubles cannot tell the former from
 * 2^63, so the digits that were read decide.
 */
const exceedsDepth = (pdu: JsonObject, depth: number): boolean =>
  depth > Number.MAX_SAFE_INTEGER && exactInteger(pdu, 'depth', depth) > 2n ** 63n - 1n

const checkNumbers = (pdu: JsonObject): Verdict => {
  const { depth, origin_server_ts: originServerTs } = pdu
  if (typeof depth !== 'number' || !Number.isInteger(depth)) return field('depth is not an integer')
  if (depth < 0 || exceedsDepth(pdu, depth)) return field('depth is out of bounds')
  if (typeof originServerTs !== 'number' || !Number.isInteger(originServerTs)) {
    return field('origin_server_ts is not an integer')
  }
  return undefined
}

/** What may be the ID of an event: of what is longer there is no event, and no index takes it. */
const isEventReference = (id: JsonValue | undefined): id is string =>
  isLenientId(id, '$') && fitsBytes(id, MAX_ID_BYTES)

const isReference = (reference: JsonValue, version: RoomVersion): boolean => {
  if (version.format.references === 'ids') return isEventReference(reference)
  return (
    Array.isArray(reference) &&
    reference.length === 2 &&
    isEventReference(reference[0]) &&
    isJsonObject(reference[1])
  )
}

/** How events are judged that came in an answer of a particular kind, or were made here. */
export interface FormatOptions {
  /**
   * They may refer to any number of events: "the response of backfill MUST NOT be validated on these specific restrictions",
   * since older servers had none.
   */
  readonly manyReferences?: boolean
  /** Of an event that was built here, as it should be: the length of its canonical text, in bytes. */
  readonly ownBytes?: number
}

const checkReferences = (
  pdu: JsonObject,
  version: RoomVersion,
  { manyReferences = false }: FormatOptions,
): Verdict => {
  for (const [name, limit] of [
    ['prev_events', MAX_PREV_EVENTS],
    ['auth_events', MAX_AUTH_EVENTS],
  ] as const) {
    const references = pdu[name]
    if (!Array.isArray(references)) return field(`${name} is not an array`)
    if (references.length > limit && !manyReferences)
      return { rule: 'event-references', message: `${name} names more than ${limit} events` }
    if (!references.every(reference => isReference(reference, version))) {
      return field(`${name} holds something other than references to events`)
    }
  }
  return undefined
}

const longerThan = (limit: number): Refusal => size(`the event is longer than ${limit} bytes`)

const checkText = (pdu: JsonObject, version: RoomVersion): Verdict => {
  try {
    const text = canonicalJson(pdu, { strictNumbers: version.format.strictCanonicalJson })
    return fitsBytes(text, MAX_EVENT_BYTES) ? undefined : longerThan(MAX_EVENT_BYTES)
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error
    return { rule: 'canonical-json', message: `the event is not canonical JSON: ${error.message}` }
  }
}

/**
 * Judges an event against the format of its room version: types of the top-level fields, identifiers, sizes in
 * bytes, numbers of references, depth, canonical JSON where it is enforced. Also for events that this server built,
 * whose content a client chose.
 *
 * @returns what is wrong, under one of the rules `event-field`, `event-size`, `event-references`, `canonical-json`.
 */
export const checkFormat = (pdu: JsonObject, version: RoomVersion, options: FormatOptions = {}): Verdict =>
  checkIds(pdu, version) ??
  checkKind(pdu, version) ??
  checkNumbers(pdu) ??
  checkReferences(pdu, version, options) ??
  (options.ownBytes === undefined
    ? (checkProofs(pdu) ?? checkText(pdu, version))
    : options.ownBytes > MAX_OWN_EVENT_BYTES
      ? longerThan(MAX_OWN_EVENT_BYTES)
      : undefined)

/** The event IDs in `prev_events` or `auth_events`. */
const referencedIds = (references: JsonValue | undefined, version: RoomVersion): readonly string[] =>
  version.format.references === 'ids'
    ? (references as readonly string[])
    : (references as readonly (readonly [string, JsonObject])[]).map(([eventId]) => eventId)

/** Database columns and sort orders hold what a double holds exactly. */
const clamp = (integer: number): number =>
  Math.max(Number.MIN_SAFE_INTEGER, Math.min(integer, Number.MAX_SAFE_INTEGER))

/**
 * Reads an event that is known to have the right format, such as one out of our own database. Nothing is checked.
 *
 * @param eventId its ID, known from elsewhere: nothing is hashed
 */
export const trustedEvent = (pdu: JsonObject, eventId: string, version: RoomVersion): RoomEvent => {
  const content = pdu['content'] as JsonObject
  const redacts =
    pdu['type'] === 'm.room.redaction'
      ? (version.format.redactsInContent ? content : pdu)['redacts']
      : undefined
  return {
    eventId,
    roomId: typeof pdu['room_id'] === 'string' ? pdu['room_id'] : roomIdOfCreate(eventId),
    version,
    type: pdu['type'] as string,
    sender: pdu['sender'] as string,
    stateKey: pdu['state_key'] as string | undefined,
    content,
    originServerTs: clamp(pdu['origin_server_ts'] as number),
    depth: clamp(pdu['depth'] as number),
    prevEvents: referencedIds(pdu['prev_events'], version),
    authEvents: referencedIds(pdu['auth_events'], version),
    redacts: typeof redacts === 'string' && fitsBytes(redacts, MAX_ID_BYTES) ? redacts : undefined,
    pdu,
  }
}

/** The ID of what is no valid event, as far as it can be told: by it, whoever has sent it is told what is wrong. */
const idOfInvalid = (pdu: JsonObject, version: RoomVersion): string | undefined => {
  try {
    const eventId = eventIdOf(pdu, version)
    return isLenientId(eventId, '$') && fitsBytes(eventId, MAX_ID_BYTES) ? eventId : undefined
  } catch (error) {
    if (error instanceof CanonicalJsonError) return undefined
    throw error
  }
}

/**
 * Reads an event as it came over federation: `checkFormat`, then its event ID. Neither signatures nor the content
 * hash are checked here. Never throws, whatever the value.
 */
export const parsePdu = (
  value: JsonValue,
  version: RoomVersion,
  options: FormatOptions = {},
): { readonly event: RoomEvent } | { readonly refusal: Refusal; readonly eventId?: string | undefined } => {
  if (!isJsonObject(value)) return { refusal: field('the event is not an object') }
  const refusal = checkFormat(value, version, options)
  if (refusal !== undefined) return { refusal, eventId: idOfInvalid(value, version) }
  const pdu = asHashed(value, version)
  return { event: trustedEvent(pdu, eventIdOf(pdu, version), version) }
}
