/**
 * The top-level fields of an event, as each room version has them.
 *
 * Where the specification leaves open what a server makes of an odd field, ours does what most others do: one that takes an event
 * which they drop builds on it, and so loses them for the room. What comes after it they cannot place.
 */
import { fitsBytes, isServerName, isUserId, MAX_ID_BYTES, serverNameOf } from '../ids.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { exactInteger } from '../parse-json.ts'
import type { RoomVersion } from '../room-versions.ts'
import type { Refusal, Verdict } from './event.ts'

/** How many events may be named in `prev_events`. */
export const MAX_PREV_EVENTS = 20
/** How many events may be named in `auth_events`. */
export const MAX_AUTH_EVENTS = 10

export const field = (message: string): Refusal => ({ rule: 'event-field', message })
export const size = (message: string): Refusal => ({ rule: 'event-size', message })

/** Whether this is the event that makes a room, and so has no `room_id` where that is its own hash. */
const makesRoom = (pdu: JsonObject): boolean => pdu['type'] === 'm.room.create' && pdu['state_key'] === ''

/** An ID is a well-formed string with its sigil; whose grammar it follows is not asked, since history holds all sorts. */
export const isLenientId = (id: JsonValue | undefined, sigil: string): id is string =>
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
  } else if (eventId !== undefined) {
    return field('event_id is not a field of events in this room version')
  }
  return undefined
}

const checkKind = (pdu: JsonObject, version: RoomVersion): Verdict => {
  const { type, state_key: stateKey, content } = pdu
  if (typeof type !== 'string') return field('type is not a string')
  if (!fitsBytes(type, MAX_ID_BYTES)) return size('type is longer than 255 bytes')
  if (stateKey !== undefined) {
    if (typeof stateKey !== 'string') return field('state_key is not a string')
    if (!fitsBytes(stateKey, MAX_ID_BYTES)) return size('state_key is longer than 255 bytes')
  }
  if (!isJsonObject(content)) return field('content is not an object')
  const redacts = (version.format.redactsInContent ? content : pdu)['redacts']
  // What names nothing redacts nothing. But others look up whatever stands there, and fail with what cannot be looked up.
  if (type === 'm.room.redaction' && typeof redacts === 'object' && redacts !== null) {
    return field('redacts is not a string')
  }
  return undefined
}

const holdsStrings = (object: JsonObject): boolean =>
  Object.values(object).every(value => typeof value === 'string')

const isSignatures = (signatures: JsonValue | undefined): boolean =>
  isJsonObject(signatures) &&
  Object.values(signatures).every(ofServer => isJsonObject(ofServer) && holdsStrings(ofServer))

/** `hashes` and `signatures`: that they are there, not that they are right. */
export const checkProofs = (pdu: JsonObject): Verdict => {
  const { hashes, signatures, unsigned } = pdu
  if (!isJsonObject(hashes) || typeof hashes['sha256'] !== 'string') return field('hashes has no sha256')
  if (!holdsStrings(hashes)) return field('hashes holds something other than hashes')
  if (!isSignatures(signatures)) return field('signatures is not an object of signatures by server and key')
  if (unsigned !== undefined && !isJsonObject(unsigned)) return field('unsigned is not an object')
  return undefined
}

/**
 * The greatest depth is 2^53 − 1. Where canonical JSON is not enforced it was 2^63 − 1, and is by the letter; but Synapse drops what
 * is deeper, whatever the version. Doubles cannot tell 2^63 − 1 from 2^63, so the digits that were read decide.
 */
const exceedsDepth = (pdu: JsonObject, depth: number, mayBeOld: boolean): boolean =>
  depth > Number.MAX_SAFE_INTEGER && (!mayBeOld || exactInteger(pdu, 'depth', depth) > 2n ** 63n - 1n)

const checkNumbers = (pdu: JsonObject, { mayBeOld = false }: FormatOptions): Verdict => {
  const { depth, origin_server_ts: originServerTs } = pdu
  if (typeof depth !== 'number' || !Number.isInteger(depth)) return field('depth is not an integer')
  if (depth < 0 || exceedsDepth(pdu, depth, mayBeOld)) return field('depth is out of bounds')
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
    isJsonObject(reference[1]) &&
    holdsStrings(reference[1])
  )
}

const nameOf = (reference: JsonValue | undefined): JsonValue | undefined =>
  Array.isArray(reference) ? reference[0] : reference

/** Whether an event is named twice. Where that is among the `auth_events`, the auth rules have their say on it. */
const isRepetitive = (references: readonly JsonValue[]): boolean =>
  references.length > 1 && new Set(references.map(nameOf)).size < references.length

/** How events are judged that came in an answer of a particular kind, or were made here. */
export interface FormatOptions {
  /**
   * They may be from times when servers had fewer limits: refer to any number of events ("the response of backfill MUST NOT be
   * validated on these specific restrictions"), and be as deep as they like. So may a room's state, and what authorises it: every
   * other server took these events when they were sent, and whoever leaves one out has another room than they.
   */
  readonly mayBeOld?: boolean
  /** Of an event that was built here, as it should be: the length of its canonical text, in bytes. */
  readonly ownBytes?: number
}

const checkReferences = (
  pdu: JsonObject,
  version: RoomVersion,
  { mayBeOld = false }: FormatOptions,
): Verdict => {
  for (const [name, limit] of [
    ['prev_events', MAX_PREV_EVENTS],
    ['auth_events', MAX_AUTH_EVENTS],
  ] as const) {
    const references = pdu[name]
    if (!Array.isArray(references)) return field(`${name} is not an array`)
    if (references.length > limit && !mayBeOld)
      return { rule: 'event-references', message: `${name} names more than ${limit} events` }
    if (!references.every(reference => isReference(reference, version))) {
      return field(`${name} holds something other than references to events`)
    }
    if (name === 'prev_events' && isRepetitive(references)) return field('prev_events names an event twice')
  }
  return undefined
}

/** All but what proves the event. */
export const checkFields = (pdu: JsonObject, version: RoomVersion, options: FormatOptions): Verdict =>
  checkIds(pdu, version) ??
  checkKind(pdu, version) ??
  checkNumbers(pdu, options) ??
  checkReferences(pdu, version, options)
