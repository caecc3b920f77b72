import type { InvitationEvent } from '../../core/invitation-terms.ts'
import type { JsonObject } from '../../core/json.ts'
import type { InvitationStatus } from '../rooms/invitations.ts'

/** Why a scheduled invitation could not be delivered. */
export interface InvitationFailure {
  readonly errcode: string
  readonly error: string
}

/** What is written about an invitation in words. */
export interface InvitationDetails {
  readonly comment?: string
  readonly event?: InvitationEvent
  /** What the invited user said when declining. */
  readonly answer?: string
  readonly failure?: InvitationFailure
  /** The content of the leave that ended it, while the room does not know. */
  readonly untold?: JsonObject
  /** What else its member event is to hold, such as `is_direct`, while it is not sent. */
  readonly content?: JsonObject
  /** What calendars call it, where the inviter's server has said so; else the record's ID. */
  readonly uid?: string
}

/** An invitation of or by a user of this server. Instants are milliseconds since 1970. */
export interface InvitationRecord {
  readonly roomId: string
  /** The invited user; `mailto:…` of somebody of whom no more is known than an address. */
  readonly userId: string
  /** Names this invitation on this server; the next one of the same user to the same room has another. */
  readonly recordId: string
  readonly inviter: string
  readonly status: InvitationStatus
  readonly createdTs: number
  readonly updatedTs: number
  readonly expiresTs: number | undefined
  readonly deliverTs: number | undefined
  /** How often it was changed, as calendars count (RFC 5545, SEQUENCE). */
  readonly sequence: number
  /** Declined without telling the inviter. */
  readonly silent: boolean
  /** The member event that invites; `undefined` while nobody has sent one. */
  readonly eventId: string | undefined
  readonly details: InvitationDetails
  /** When something has to be done about it; `undefined` if nothing has. */
  readonly dueTs: number | undefined
}

/** As stored, with its place in the stream `invitation_records`. */
export interface StoredInvitation extends InvitationRecord {
  readonly position: number
}

/** A row of `COLUMNS`. */
export interface Columns {
  room_id: string
  user_id: string
  record_id: string
  inviter: string
  status: InvitationStatus
  created_ts: number
  updated_ts: number
  expires_ts: number | null
  deliver_ts: number | null
  sequence: number
  silent: number
  event_id: string | null
  details: string
  position: number
  due_ts: number | null
}

/** What of a row `stored` needs. */
export const COLUMNS = `room_id, user_id, record_id, inviter, status, created_ts, updated_ts, expires_ts, deliver_ts, sequence,
  silent, event_id, details, position, due_ts`

/** The invitation that a row holds. */
export const stored = (row: Columns): StoredInvitation => ({
  roomId: row.room_id,
  userId: row.user_id,
  recordId: row.record_id,
  inviter: row.inviter,
  status: row.status,
  createdTs: row.created_ts,
  updatedTs: row.updated_ts,
  expiresTs: row.expires_ts ?? undefined,
  deliverTs: row.deliver_ts ?? undefined,
  sequence: row.sequence,
  silent: row.silent !== 0,
  eventId: row.event_id ?? undefined,
  details: JSON.parse(row.details) as InvitationDetails,
  position: row.position,
  dueTs: row.due_ts ?? undefined,
})
