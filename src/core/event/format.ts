/**
 * The event format of each room version: check 1 of "Checks performed on receipt of a PDU" (server-server API).
 *
 * Only top-level fields are judged here. Content belongs to whoever reads it: an odd value in it never makes an
 * event invalid.
 */
import {
  CanonicalJsonError,
  type CanonicalMember,
  canonicalJson,
  canonicalMembers,
  objectOf,
} from '../canonical-json.ts'
import { eventIdOf, roomIdOfCreate, signedText } from '../hashes.ts'
import { fitsBytes, MAX_ID_BYTES } from '../ids.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import type { RoomVersion } from '../room-versions.ts'
import type { Refusal, RoomEvent, Verdict } from './event.ts'
import { checkFields, checkProofs, type FormatOptions, field, isLenientId, size } from './fields.ts'
import { asHashed } from './loose-numbers.ts'

/** The limit of a whole event in its federation format, as canonical JSON, in bytes. */
export const MAX_EVENT_BYTES = 65_536
/**
 * The limit of an event that is made here: it leaves room for the `unsigned` that other servers count. They drop an event that
 * is too long for them, and everything after it; Synapse judges what it got or relays together with its `age_ts`.
 */
export const MAX_OWN_EVENT_BYTES = MAX_EVENT_BYTES - '"unsigned":{"age_ts":1767225600000},'.length

/**
 * How deeply an event may nest, itself the first level. The specification has no limit; but no more is read by what Synapse and
 * others parse events with (serde_json), and they drop a deeper event with everything that comes after it in the room.
 */
export const MAX_EVENT_DEPTH = 127

const longerThan = (limit: number): Refusal => size(`the event is longer than ${limit} bytes`)

/** The canonical members of an event, where its version has it made of canonical JSON; or what is wrong with its text. */
const readText = (
  pdu: JsonObject,
  version: RoomVersion,
): { readonly members: readonly CanonicalMember[] | undefined } | Refusal => {
  try {
    const members = version.format.strictCanonicalJson
      ? canonicalMembers(pdu, { strictNumbers: true, maxDepth: MAX_EVENT_DEPTH })
      : undefined
    const isShort =
      members === undefined
        ? fitsBytes(canonicalJson(pdu, { maxDepth: MAX_EVENT_DEPTH }), MAX_EVENT_BYTES)
        : areShort(members, MAX_EVENT_BYTES)
    return isShort ? { members } : longerThan(MAX_EVENT_BYTES)
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error
    return { rule: 'canonical-json', message: `the event is not canonical JSON: ${error.message}` }
  }
}

/** Whether the object of these members fits; that of most events needs not be written to be sure. */
const areShort = (members: readonly CanonicalMember[], limit: number): boolean => {
  const most = members.reduce((sum, { text }) => sum + 3 * text.length + 1, 1)
  return most <= limit || fitsBytes(objectOf(members), limit)
}

/**
 * Judges an event against the format of its room version: types of the top-level fields, identifiers, sizes in
 * bytes, numbers of references, depth, canonical JSON where it is enforced. Also for events that this server built,
 * whose content a client chose.
 *
 * @returns what is wrong, under one of the rules `event-field`, `event-size`, `event-references`, `canonical-json`.
 */
export const checkFormat = (pdu: JsonObject, version: RoomVersion, options: FormatOptions = {}): Verdict => {
  const { ownBytes } = options
  if (ownBytes === undefined) {
    const read = readFormat(pdu, version, options)
    return 'rule' in read ? read : undefined
  }
  const refusal = checkFields(pdu, version, options)
  return refusal ?? (ownBytes > MAX_OWN_EVENT_BYTES ? longerThan(MAX_OWN_EVENT_BYTES) : undefined)
}

const readFormat = (
  pdu: JsonObject,
  version: RoomVersion,
  options: FormatOptions,
): ReturnType<typeof readText> =>
  checkFields(pdu, version, options) ?? checkProofs(pdu) ?? readText(pdu, version)

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

/** What was written of an event to tell its ID, for who checks its signatures and its hash. */
export interface EventTexts {
  /** What its signatures cover. */
  readonly signed: string
  /** Its canonical members, in versions that have events made of canonical JSON. */
  readonly members: readonly CanonicalMember[] | undefined
}

/**
 * Reads an event as it came over federation: `checkFormat`, then its event ID. Neither signatures nor the content
 * hash are checked here. Never throws, whatever the value.
 */
export const parsePdu = (
  value: JsonValue,
  version: RoomVersion,
  options: FormatOptions = {},
):
  | { readonly event: RoomEvent; readonly texts: EventTexts }
  | { readonly refusal: Refusal; readonly eventId?: string | undefined } => {
  if (!isJsonObject(value)) return { refusal: field('the event is not an object') }
  const read = readFormat(value, version, options)
  if ('rule' in read) return { refusal: read, eventId: idOfInvalid(value, version) }
  const { members } = read
  const pdu = asHashed(value, version)
  const signed = signedText(pdu, version, members)
  return {
    event: trustedEvent(pdu, eventIdOf(pdu, version, signed), version),
    texts: { signed, members },
  }
}
