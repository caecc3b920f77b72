import type { RoomEvent } from './event/event.ts'
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'

/** Under this key member events carry what Matrix has no words for about an invitation. */
export const INVITATION_KEY = 'chat.tessera.invitation'
/** In the content of a leave: the inviter is not to be told. */
export const SILENT_KEY = 'chat.tessera.silent'

/** An occasion to which the invitation invites, for calendars. Instants are milliseconds since 1970. */
export interface InvitationEvent {
  readonly start: number
  readonly end?: number
  readonly summary?: string
}

/** What an invitation says beyond the standard member event. */
export interface InvitationTerms {
  readonly comment?: string
  /** Milliseconds since 1970. */
  readonly expiresTs?: number
  readonly event?: InvitationEvent
  /** Names this invitation in calendars; chosen by the inviter's server. */
  readonly uid?: string
}

/** As large as what is taken from other servers may be. */
const MAX_UID = 128
const MAX_SUMMARY = 1_000
/** The largest instant that a `Date` can hold. */
const MAX_INSTANT = 8.64e15

const instant = (value: JsonValue | undefined): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_INSTANT
    ? value
    : undefined

/**
 * Reads the terms of an invitation out of the content of its member event. It may come from anywhere: what is of a wrong
 * shape is as good as absent.
 */
export const termsOf = (content: JsonObject): InvitationTerms => {
  const given = content[INVITATION_KEY]
  const { reason } = content
  const comment = typeof reason === 'string' && reason !== '' ? { comment: reason } : {}
  if (!isJsonObject(given)) return comment
  const expiresTs = instant(given['expires_ts'])
  const event = eventOf(given['event'])
  const { uid } = given
  return {
    ...comment,
    ...(expiresTs === undefined ? {} : { expiresTs }),
    ...(event === undefined ? {} : { event }),
    ...(typeof uid === 'string' && /^[\w.@:-]+$/.test(uid) && uid.length <= MAX_UID ? { uid } : {}),
  }
}

const eventOf = (value: JsonValue | undefined): InvitationEvent | undefined => {
  if (!isJsonObject(value)) return undefined
  const start = instant(value['start'])
  const end = instant(value['end'])
  const { summary } = value
  if (start === undefined) return undefined
  return {
    start,
    ...(end === undefined || end < start ? {} : { end }),
    ...(typeof summary === 'string' ? { summary: summary.slice(0, MAX_SUMMARY) } : {}),
  }
}

/** The content of a member event that says all this. */
export const contentOfTerms = ({ comment, expiresTs, event, uid }: InvitationTerms): JsonObject => {
  const own: JsonObject = {
    ...(uid === undefined ? {} : { uid }),
    ...(expiresTs === undefined ? {} : { expires_ts: expiresTs }),
    ...(event === undefined ? {} : { event: { ...event } }),
  }
  return {
    ...(comment === undefined ? {} : { reason: comment }),
    ...(Object.keys(own).length === 0 ? {} : { [INVITATION_KEY]: own }),
  }
}

/** In the content of a leave: it only withdraws what has expired. */
export const EXPIRED: JsonObject = { [INVITATION_KEY]: { expired: true } }

const saysExpired = (content: JsonObject): boolean => {
  const given = content[INVITATION_KEY]
  return isJsonObject(given) && given['expired'] === true
}

/**
 * What becomes of a pending invitation by a member event of the invited user; `undefined` if nothing does.
 *
 * @param expiresTs when it was to expire (ms), if at all: what is withdrawn later has expired.
 */
export const invitationOutcome = (
  event: Pick<RoomEvent, 'sender' | 'stateKey' | 'content' | 'originServerTs'>,
  expiresTs?: number,
): 'accepted' | 'declined' | 'cancelled' | 'expired' | undefined => {
  const { sender, stateKey, content, originServerTs } = event
  switch (content['membership']) {
    case 'join':
      return 'accepted'
    case 'ban':
      return 'cancelled'
    case 'leave': {
      if (sender === stateKey) return 'declined'
      const isLate = expiresTs !== undefined && originServerTs >= expiresTs
      return isLate || saysExpired(content) ? 'expired' : 'cancelled'
    }
    default:
      return undefined
  }
}
