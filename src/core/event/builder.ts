import { canonicalMembers, objectOf, withMember } from '../canonical-json.ts'
import { contentHash, eventIdOf, signedText } from '../hashes.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { RoomVersion } from '../room-versions.ts'
import { type SigningKey, withSignature } from '../signing.ts'
import type { RoomEvent } from './event.ts'
import { MAX_EVENT_DEPTH, trustedEvent } from './format.ts'
import { plainContent } from './loose-numbers.ts'
import { STICKY } from './stickiness.ts'

/** What an event says, before it is hashed and signed. */
export interface EventTemplate {
  readonly version: RoomVersion
  /** Left out for the create event of a room whose ID is the hash of that event (v12). */
  readonly roomId?: string | undefined
  readonly type: string
  readonly sender: string
  readonly stateKey?: string | undefined
  readonly content: JsonObject
  readonly prevEvents: readonly string[]
  readonly authEvents: readonly string[]
  readonly depth: number
  readonly originServerTs: number
  /** What a redaction redacts; put where the room version keeps it. */
  readonly redacts?: string | undefined
  readonly unsigned?: JsonObject | undefined
  /** For how long it is sticky (MSC4354), in milliseconds. */
  readonly stickyMs?: number | undefined
  /** v1, v2: the ID that this server chose. Without meaning in other versions. */
  readonly eventId?: string | undefined
  /** v1, v2: the reference hash (`referenceHash`) of each event in `prevEvents` and `authEvents`, by its ID. */
  readonly references?: ReadonlyMap<string, string> | undefined
}

const references = (eventIds: readonly string[], template: EventTemplate): readonly JsonValue[] => {
  if (template.version.format.references === 'ids') return eventIds
  return eventIds.map(eventId => {
    const hash = template.references?.get(eventId)
    if (hash === undefined) throw new TypeError(`the reference hash of ${eventId} is not given`)
    return [eventId, { sha256: hash }]
  })
}

const givenEventId = ({ eventId }: EventTemplate): string => {
  if (eventId === undefined) throw new TypeError('this room version needs an event ID')
  return eventId
}

const unsignedPdu = (template: EventTemplate): JsonObject => {
  const { version, roomId, stateKey, redacts, unsigned, stickyMs } = template
  const inContent = redacts !== undefined && version.format.redactsInContent
  const content = plainContent(template.content, version)
  // In canonical order, so that nobody has to sort them.
  const pdu: Record<string, JsonValue> = {
    auth_events: references(template.authEvents, template),
    content: inContent ? { ...content, redacts } : content,
    depth: template.depth,
  }
  if (version.format.eventId === 'given') pdu['event_id'] = givenEventId(template)
  if (stickyMs !== undefined) pdu[STICKY] = { duration_ms: stickyMs }
  pdu['origin_server_ts'] = template.originServerTs
  pdu['prev_events'] = references(template.prevEvents, template)
  if (redacts !== undefined && !inContent) pdu['redacts'] = redacts
  if (roomId !== undefined) pdu['room_id'] = roomId
  pdu['sender'] = template.sender
  if (stateKey !== undefined) pdu['state_key'] = stateKey
  pdu['type'] = template.type
  if (unsigned !== undefined) pdu['unsigned'] = unsigned
  return pdu
}

/**
 * Builds, hashes and signs an event (server-server API, "Adding hashes and signatures to outgoing events").
 *
 * The content may be a client's, so the event can still be too large, or not canonical: `checkFormat` tells.
 *
 * @param serverName in whose name the key signs
 * @throws {CanonicalJsonError} where the event has no canonical encoding at all, or nests too deeply.
 * @throws {TypeError} where the template lacks what its room version needs.
 */
export const buildEvent = (template: EventTemplate, serverName: string, key: SigningKey): RoomEvent =>
  build(template, serverName, key, {}).event

/**
 * The same with the event's canonical text by the rules of its version, whose members are written once for that and both
 * hashes.
 *
 * @throws {CanonicalJsonError} also where only other versions have an encoding for the event.
 */
export const buildCanonical = (template: EventTemplate, serverName: string, key: SigningKey): BuiltEvent =>
  build(template, serverName, key, { strictNumbers: template.version.format.strictCanonicalJson })

/** An event with its canonical text but for our signature, which is made if somebody looks at the event's signatures. */
export interface BuiltEvent {
  readonly event: RoomEvent
  readonly unsignedText: string
}

const build = (
  template: EventTemplate,
  serverName: string,
  key: SigningKey,
  encoding: { strictNumbers?: boolean },
): BuiltEvent => {
  const { version } = template
  const content = unsignedPdu(template)
  const members = canonicalMembers(content, { ...encoding, maxDepth: MAX_EVENT_DEPTH })
  const hashes = { sha256: contentHash(content, members) }
  const hashed = { ...content, hashes }
  const hashedMembers = withMember(members, { hashes })
  // Signatures and event ID are of the same text.
  const signed = signedText(hashed, version, hashedMembers)
  const pdu = signedWhenAsked(serverName, key)(hashed, version)
  return {
    event: trustedEvent(pdu, eventIdOf(pdu, version, signed), version),
    unsignedText: objectOf(hashedMembers),
  }
}

/** Gives an event of ours, hashed but not signed, its signature. */
export type SignEvent = (hashed: JsonObject, version: RoomVersion) => JsonObject

/**
 * Signs events when somebody looks at their signatures: for a peer, mostly, which many rooms do not have. An event's ID is the
 * hash of what the signature covers, not of the signature.
 */
export const signedWhenAsked =
  (serverName: string, key: SigningKey): SignEvent =>
  (hashed, version) => {
    const signing: Signing = { hashed, version, serverName, key, signatures: undefined }
    const pdu = Object.defineProperty({ ...hashed }, SIGNING, { value: signing })
    return Object.defineProperty(pdu, 'signatures', SIGNATURES)
  }

/** What the signature of an event is made of, and the signature once it is made. */
interface Signing {
  readonly hashed: JsonObject
  readonly version: RoomVersion
  readonly serverName: string
  readonly key: SigningKey
  signatures: JsonObject | undefined
}

/** Where an event of ours keeps that: no member of it, and left behind by whoever copies it with its signatures. */
const SIGNING = Symbol('signing')

/** One getter for all events: with one of its own V8 makes of each a table of hashes, larger and slower than an object. */
const SIGNATURES: PropertyDescriptor = {
  enumerable: true,
  configurable: true,
  get(this: { readonly [SIGNING]: Signing }): JsonObject {
    const signing = this[SIGNING]
    const { hashed, version, serverName, key } = signing
    signing.signatures ??= {
      [serverName]: { [key.keyId]: key.sign(Buffer.from(signedText(hashed, version))) },
    }
    return signing.signatures
  },
}

/** What a signature of 64 bytes, as unpadded base64, and the names of server and key stand in. */
const SIGNATURES_LENGTH = ',"signatures":{"":{"":""}}'.length + 86

/** The length in bytes that a text without our signature has with it. */
export const signedLength = (unsignedText: string, serverName: string, { keyId }: SigningKey): number =>
  Buffer.byteLength(unsignedText) + SIGNATURES_LENGTH + serverName.length + keyId.length

/** The event with one more signature, for invites and restricted joins. Its ID stays the same. */
export const addSignature = (event: RoomEvent, serverName: string, key: SigningKey): RoomEvent => {
  const signature = key.sign(Buffer.from(signedText(event.pdu, event.version)))
  return trustedEvent(
    withSignature(event.pdu, serverName, key.keyId, signature),
    event.eventId,
    event.version,
  )
}
