import { CanonicalJsonError } from '../../../core/canonical-json.ts'
import { MatrixError } from '../../../core/errors.ts'
import type { RoomEvent } from '../../../core/event/event.ts'
import { parsePdu, trustedEvent } from '../../../core/event/format.ts'
import { contentHash, signedText } from '../../../core/hashes.ts'
import { isJsonObject, type JsonObject } from '../../../core/json.ts'
import { type RoomVersion, roomVersion } from '../../../core/room-versions.ts'
import { type SigningKey, signatureKeyIds, signatureOf, withSignature } from '../../../core/signing.ts'

/** What this server puts into an event that another server has prepared. */
export interface OwnPart {
  readonly serverName: string
  readonly signingKey: SigningKey
  readonly version: RoomVersion
  readonly content: JsonObject
  /** Milliseconds since 1970. */
  readonly now: number
  /** Random bytes, for the event IDs of room versions 1 and 2. */
  readonly random: (size: number) => Uint8Array
}

/**
 * Completes and signs an event that a resident server has prepared. Of the template only the place in the graph is
 * taken, and who authorised a restricted join; its type, room and user were checked when it was read. All else is ours:
 * "the joining server is expected to add or replace the origin, origin_server_ts, and event_id".
 *
 * Throws `M_UNKNOWN` (502) where the place in the graph has not the form of the room's version.
 */
export const completeTemplate = (template: JsonObject, own: OwnPart): RoomEvent => {
  const { version, serverName, signingKey } = own
  const { auth_events, prev_events, depth, room_id, sender, state_key, type } = template
  const templateContent = isJsonObject(template['content']) ? template['content'] : {}
  const authoriser = templateContent['join_authorised_via_users_server']
  const pdu: JsonObject = {
    auth_events,
    prev_events,
    depth,
    room_id,
    sender,
    state_key,
    type,
    content: {
      ...own.content,
      membership: templateContent['membership'],
      ...(typeof authoriser === 'string' ? { join_authorised_via_users_server: authoriser } : {}),
    },
    origin: serverName,
    origin_server_ts: own.now,
    ...(version.format.eventId === 'given'
      ? { event_id: `$${Buffer.from(own.random(18)).toString('base64url')}:${serverName}` }
      : {}),
  }
  try {
    const hashed = { ...pdu, hashes: { sha256: contentHash(pdu) } }
    const signature = signingKey.sign(Buffer.from(signedText(hashed, version)))
    const parsed = parsePdu(withSignature(hashed, serverName, signingKey.keyId, signature), version)
    if ('event' in parsed) return parsed.event
    throw unusable(parsed.refusal.message)
  } catch (error) {
    if (error instanceof CanonicalJsonError) throw unusable(error.message)
    throw error
  }
}

const unusable = (reason: string): MatrixError =>
  new MatrixError('M_UNKNOWN', `The other server prepared an event that cannot be used: ${reason}`, {
    status: 502,
  })

/** "If not provided, the room version is assumed to be either 1 or 2": which of them the room says itself. */
export const UNTOLD_VERSION = '1'

/** The room version that a peer names. Throws `M_INCOMPATIBLE_ROOM_VERSION`. */
export const knownVersion = (id: string = UNTOLD_VERSION): RoomVersion => {
  const version = roomVersion(id)
  if (version !== undefined) return version
  throw new MatrixError('M_INCOMPATIBLE_ROOM_VERSION', `This server does not know room version ${id}`, {
    fields: { room_version: id },
  })
}

/** Our event with the signatures of one server as another copy of it has them. They are not verified here. */
export const withSignaturesOf = (ours: RoomEvent, copy: JsonObject, server: string): RoomEvent => {
  let pdu = ours.pdu
  for (const keyId of signatureKeyIds(copy, server)) {
    const signature = signatureOf(copy, server, keyId)
    if (signature !== undefined) pdu = withSignature(pdu, server, keyId, signature)
  }
  return trustedEvent(pdu, ours.eventId, ours.version)
}
