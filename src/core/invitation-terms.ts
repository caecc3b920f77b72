import { MatrixError } from './errors.ts'
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

const YEAR_MS = 366 * 24 * 60 * 60_000

/** No invitation of a local user is delivered later, lasts longer, or is to an event further away. */
const MAX_AHEAD_MS = 5 * YEAR_MS
/** In code units. */
const MAX_OWN_SUMMARY = 500

/** Throws `M_INVALID_PARAM` for an instant of a local user's that is no time ahead, or centuries away. */
export const checkAhead = (name: string, at: number, now: number): void => {
  if (!Number.isSafeInteger(at)) throw invalidTerms(`${name} is not a number of milliseconds`)
  if (at <= now) throw invalidTerms(`${name} is not in the future`)
  if (at > now + MAX_AHEAD_MS) throw invalidTerms(`${name} is too far in the future: at most five years`)
}

/** The same for an occasion. */
export const checkOccasion = ({ start, end = start, summary = '' }: InvitationEvent, now: number): void => {
  if (start < 0) throw invalidTerms('the event starts before 1970')
  if (end < start) throw invalidTerms('the event ends before it starts')
  if (end < now) throw invalidTerms('the event is over already')
  if (end > now + MAX_AHEAD_MS) throw invalidTerms('the event is too far in the future: at most five years')
  if (summary.length > MAX_OWN_SUMMARY) throw invalidTerms(`the summary is longer than ${MAX_OWN_SUMMARY}`)
}

/**
 * Checks the terms that a local user has written into a member event by hand, as they can. Throws `M_BAD_JSON` for what
 * is of a wrong shape, else as `checkAhead` and `checkOccasion`.
 */
export const checkTerms = (content: JsonObject, now: number): void => {
  const given = content[INVITATION_KEY]
  if (given === undefined) return
  if (!isJsonObject(given)) throw malformed('it is not an object')
  const { expires_ts: expiresTs, event } = given
  if (expiresTs !== undefined) {
    if (typeof expiresTs !== 'number') throw malformed('expires_ts is not a number')
    checkAhead('expires_ts', expiresTs, now)
  }
  if (event === undefined) return
  if (!isJsonObject(event)) throw malformed('the event is not an object')
  const { start, end, summary } = event
  if (typeof start !== 'number' || (end !== undefined && typeof end !== 'number'))
    throw malformed('the event has no start, or times that are not numbers')
  if (summary !== undefined && typeof summary !== 'string') throw malformed('the summary is not a text')
  checkOccasion(
    { start, ...(end === undefined ? {} : { end }), ...(summary === undefined ? {} : { summary }) },
    now,
  )
}

/** What is wrong with the terms that a local user gives. */
export const invalidTerms = (message: string): MatrixError =>
  new MatrixError('M_INVALID_PARAM', `${INVITATION_KEY}: ${message}`)

const malformed = (message: string): MatrixError =>
  new MatrixError('M_BAD_JSON', `${INVITATION_KEY}: ${message}`)

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

/** In the content of a leave by which a server carries out, for its user, that the inviter has withdrawn the invitation. */
export const WITHDRAWN: JsonObject = { [INVITATION_KEY]: { withdrawn: true } }

const says = (content: JsonObject, what: 'expired' | 'withdrawn'): boolean => {
  const given = content[INVITATION_KEY]
  return isJsonObject(given) && given[what] === true
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
      const isOwn = sender === stateKey
      if (isOwn && says(content, 'withdrawn')) return 'cancelled'
      const isLate = !isOwn && expiresTs !== undefined && originServerTs >= expiresTs
      if (isLate || says(content, 'expired')) return 'expired'
      return isOwn ? 'declined' : 'cancelled'
    }
    default:
      return undefined
  }
}
