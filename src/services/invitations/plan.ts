import { isDeepStrictEqual } from 'node:util'
import {
  checkAhead,
  checkOccasion,
  contentOfTerms,
  type InvitationEvent,
  type InvitationTerms,
  invalidTerms,
} from '../../core/invitation-terms.ts'
import type { InvitationRecord } from '../../storage/invitations/records.ts'

/** What a client asks for under `chat.tessera.invitation`. Instants and durations are milliseconds. */
export interface InvitationRequest {
  readonly expires_ts?: number
  readonly ttl_ms?: number
  readonly deliver_ts?: number
  readonly delay_ms?: number
  readonly event?: InvitationEvent
}

/** When an invitation is to be delivered and to expire, and to what it invites. */
export interface InvitationPlan {
  readonly expiresTs?: number
  /** `undefined`: at once. */
  readonly deliverTs?: number
  readonly event?: InvitationEvent
}

/**
 * Reads what a client asks for. Throws `M_INVALID_PARAM` for instants in the past or centuries away, and for what
 * contradicts itself.
 */
export const planOf = (request: InvitationRequest | undefined, now: number): InvitationPlan => {
  if (request === undefined) return {}
  const { event } = request
  const deliverTs = instantOf(request, 'deliver_ts', 'delay_ms', now, now)
  const expiresTs = instantOf(request, 'expires_ts', 'ttl_ms', deliverTs ?? now, now)
  if (expiresTs !== undefined && deliverTs !== undefined && expiresTs <= deliverTs)
    throw invalidTerms('the invitation would expire before it is delivered')
  if (event !== undefined) checkOccasion(event, now)
  return {
    ...(expiresTs === undefined ? {} : { expiresTs }),
    ...(deliverTs === undefined ? {} : { deliverTs }),
    ...(event === undefined ? {} : { event: eventOf(event) }),
  }
}

/** An instant, given as such or as a span from another. */
const instantOf = (
  request: InvitationRequest,
  tsName: 'deliver_ts' | 'expires_ts',
  spanName: 'delay_ms' | 'ttl_ms',
  from: number,
  now: number,
): number | undefined => {
  const { [tsName]: ts, [spanName]: span } = request
  if (ts !== undefined && span !== undefined) throw invalidTerms(`give ${tsName} or ${spanName}, not both`)
  const name = ts === undefined ? spanName : tsName
  const at = ts ?? (span === undefined ? undefined : from + span)
  if (at === undefined) return undefined
  checkAhead(name, at, now)
  if (span !== undefined && span <= 0) throw invalidTerms(`${name} is not in the future`)
  return at
}

/** Nothing but what is known: the event travels to other servers. */
const eventOf = ({ start, end, summary }: InvitationEvent): InvitationEvent => ({
  start,
  ...(end === undefined ? {} : { end }),
  ...(summary === undefined ? {} : { summary }),
})

/** What the invitation says to the other side. */
export const termsOfPlan = (
  { expiresTs, event }: InvitationPlan,
  comment: string | undefined,
): InvitationTerms => ({
  ...(comment === undefined || comment === '' ? {} : { comment }),
  ...(expiresTs === undefined ? {} : { expiresTs }),
  ...(event === undefined ? {} : { event }),
})

/** Whether an invitation says that already. */
export const says = (record: InvitationRecord, sender: string, terms: InvitationTerms): boolean => {
  const { inviter, expiresTs, details } = record
  if (inviter !== sender) return false
  const { comment, event } = details
  const before = contentOfTerms(definedOf({ comment, expiresTs, event }))
  // What is wanted was looked at by nobody yet: it may be something of which no event can be made.
  return isDeepStrictEqual(before, contentOfTerms(terms))
}

const definedOf = (
  terms: {
    readonly [Name in keyof InvitationTerms]: InvitationTerms[Name] | undefined
  },
): InvitationTerms =>
  Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined)) as InvitationTerms
