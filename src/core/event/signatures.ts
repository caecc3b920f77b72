import { contentHashHolds, signedText } from '../hashes.ts'
import { serverNameOf } from '../ids.ts'
import type { RoomEvent } from './event.ts'
import { type EventTexts, trustedEvent } from './format.ts'
import { redactPdu } from './redaction.ts'

/**
 * An invite made of a third-party invite. "The server which actually sends the event may be a different server" than
 * the sender's: the auth rules check the identity server's signature instead.
 */
const isThirdPartyInvite = ({ type, content }: Pick<RoomEvent, 'type' | 'content'>): boolean =>
  type === 'm.room.member' &&
  content['membership'] === 'invite' &&
  content['third_party_invite'] !== undefined

/**
 * The servers that must have signed an event, each once (server-server API, "Validating hashes and signatures on
 * received events"; rooms/v8.md, rule 4.2). Empty for third-party invites in versions where only the sender's
 * server signs.
 */
export const requiredSigners = (
  event: Pick<RoomEvent, 'type' | 'content' | 'sender' | 'eventId' | 'version'>,
): readonly string[] => {
  const { signatures } = event.version
  const servers = new Set<string>()
  if (!isThirdPartyInvite(event)) servers.add(serverNameOf(event.sender))
  if (signatures.eventIdServer) servers.add(serverNameOf(event.eventId))
  if (signatures.restrictedJoinServer && event.type === 'm.room.member') {
    const authoriser = event.content['join_authorised_via_users_server']
    // What is no user ID names the server '', which nobody can sign for.
    if (authoriser !== undefined) servers.add(typeof authoriser === 'string' ? serverNameOf(authoriser) : '')
  }
  return [...servers]
}

/**
 * The bytes that every signature of an event covers. Make them once, then verify under as many keys as need be.
 *
 * @param texts of the event, for who has them
 */
export const signedBytes = (event: RoomEvent, texts?: EventTexts): Uint8Array =>
  Buffer.from(texts?.signed ?? signedText(event.pdu, event.version))

/**
 * Whether the event's `hashes` fit its content. If not, what we hold "is assumed" to be a redacted copy: go on with
 * `eventWithRedactedContent`.
 *
 * @param texts of the event, for who has them
 */
export const contentHashMatches = ({ pdu }: RoomEvent, texts?: EventTexts): boolean =>
  contentHashHolds(pdu, texts?.members)

/** The event as it is after redaction; same ID, signatures still valid. */
export const eventWithRedactedContent = (event: RoomEvent): RoomEvent =>
  trustedEvent(redactPdu(event.pdu, event.version), event.eventId, event.version)
