import { hash } from 'node:crypto'
import type { RoomEvent } from '../../core/event/event.ts'
import { type InvitationTerms, invitationOutcome, SILENT_KEY, termsOf } from '../../core/invitation-terms.ts'
import type { JsonObject } from '../../core/json.ts'
import type { InvitationDetails, InvitationRecord } from '../../storage/invitations/records.ts'
import type { InvitationStatus } from '../../storage/rooms/invitations.ts'

/**
 * What becomes of an invitation (rooms-and-invitations, section 2):
 *
 *     scheduled → invited → accepted | declined | cancelled | expired
 *
 * Whatever happens in the room decides, whichever way it came: these functions turn member events into records, and answer
 * `undefined` where nothing changes. What is over opens again only by another invitation, which is then a new one, or where what
 * has ended it did not hold.
 */
export type InvitationChange = (record: InvitationRecord | undefined) => InvitationRecord | undefined

/** Somebody has been invited by a member event. The same event again changes nothing. */
export const invited =
  (
    event: Pick<RoomEvent, 'eventId' | 'roomId' | 'sender' | 'stateKey' | 'content'>,
    now: number,
  ): InvitationChange =>
  record => {
    if (record?.eventId === event.eventId) return undefined
    const { eventId, roomId, sender: inviter, stateKey: userId = '', content } = event
    const terms = termsOf(content)
    const { expiresTs } = terms
    const changed = {
      ...({
        roomId,
        userId,
        inviter,
        eventId,
        expiresTs,
        updatedTs: now,
        status: 'invited',
        silent: false,
      } as const),
      details: detailsOf(terms),
      dueTs: expiresTs,
    }
    if (record?.status === 'scheduled' && terms.uid === record.recordId) return { ...record, ...changed }
    if (record?.status === 'invited') {
      return {
        ...record,
        ...changed,
        sequence: record.sequence + 1,
        details: { ...changed.details, ...uidOf(record) },
      }
    }
    const recordId = hash('sha256', `${eventId} ${userId}`, 'base64url')
    return { ...changed, recordId, createdTs: now, deliverTs: undefined, sequence: 0 }
  }

/** Somebody's membership has become something else than an invitation. */
export const answered =
  (
    event: Pick<RoomEvent, 'sender' | 'stateKey' | 'content' | 'originServerTs'>,
    now: number,
  ): InvitationChange =>
  record => {
    if (record?.status !== 'invited') return undefined
    const { content } = event
    const status = invitationOutcome(event, record.expiresTs)
    if (status === undefined) return undefined
    const { reason } = content
    const says = status === 'declined' && typeof reason === 'string' && reason !== ''
    return {
      ...over(record, status, now),
      silent: status === 'declined' && content[SILENT_KEY] === true,
      details: { ...record.details, ...(says ? { answer: reason } : {}) },
    }
  }

/** It is over without an event that says so: settled elsewhere, expired by this server's clock, withdrawn unsent. */
export const ended =
  (status: InvitationStatus, now: number, details: Partial<InvitationDetails> = {}): InvitationChange =>
  record => {
    if (record === undefined || !isOpen(record)) return undefined
    return { ...over(record, status, now), details: { ...record.details, ...details } }
  }

/**
 * It holds again: the resolution of a conflict has undone what had ended it. What its user has answered, and the room does not know
 * yet, is told there at once instead: this server has just seen that it holds there.
 */
export const restored =
  (eventId: string, now: number): InvitationChange =>
  record => {
    if (record?.eventId !== eventId || isOpen(record)) return undefined
    if (record.details.untold !== undefined)
      return record.status === 'declined' ? { ...record, dueTs: now } : undefined
    return { ...record, status: 'invited', updatedTs: now, dueTs: record.expiresTs }
  }

/** The same on behalf of a user of this server, for whom it says so in the room later: `leave` is kept until then. */
export const endedUntold =
  (
    status: InvitationStatus,
    now: number,
    { leave, dueTs }: { readonly leave: JsonObject; readonly dueTs: number },
  ): InvitationChange =>
  record => {
    const over = ended(status, now)(record)
    return over && { ...over, dueTs, details: { ...over.details, untold: leave } }
  }

/** Declined here, which no other server knows yet: `content` of the leave is kept until one does. */
export const declinedUntold =
  (content: JsonObject, now: number): InvitationChange =>
  record => {
    if (record?.status !== 'declined') return undefined
    const { reason } = content
    const answer = typeof reason === 'string' && reason !== '' ? { answer: reason } : {}
    const silent = content[SILENT_KEY] === true
    return { ...record, silent, dueTs: now, details: { ...record.details, ...answer, untold: content } }
  }

/** The other side knows how it ended, or never will. */
export const told: InvitationChange = record => {
  if (record?.details.untold === undefined) return undefined
  const { untold: _, ...details } = record.details
  return { ...record, dueTs: undefined, details }
}

/** What the invitation says by a member event, or is answered by one, is taken back: the event is redacted. */
export const withoutWordsOf =
  (event: Pick<RoomEvent, 'eventId' | 'content'>): InvitationChange =>
  record => {
    if (record === undefined) return undefined
    const { comment, event: occasion, answer, ...details } = record.details
    if (record.eventId === event.eventId) {
      if (comment === undefined && occasion === undefined) return undefined
      return { ...record, details: { ...details, ...(answer === undefined ? {} : { answer }) } }
    }
    if (answer === undefined || event.content['reason'] !== answer) return undefined
    if (event.content['membership'] !== 'leave') return undefined
    const { answer: _, ...rest } = record.details
    return { ...record, details: rest }
  }

/** Whether it still waits for something. */
export const isOpen = ({ status }: Pick<InvitationRecord, 'status'>): boolean =>
  status === 'scheduled' || status === 'invited'

/** An invitation that is to be sent later; not if the user is invited already, or somebody else has scheduled one. */
export const scheduled = (
  plan: {
    readonly roomId: string
    readonly userId: string
    readonly inviter: string
    readonly recordId: string
    /** `undefined`: when it is known who it is for. */
    readonly deliverTs: number | undefined
    readonly terms: InvitationTerms
    /** Of its member event, beside the terms. */
    readonly content: JsonObject
  },
  now: number,
): InvitationChange => {
  const { terms, content, ...rest } = plan
  return record => {
    if (record?.status === 'invited') return undefined
    const isSame = record?.status === 'scheduled'
    if (isSame && record.inviter !== plan.inviter) return undefined
    return {
      ...rest,
      recordId: isSame ? record.recordId : plan.recordId,
      status: 'scheduled',
      createdTs: isSame ? record.createdTs : now,
      updatedTs: now,
      expiresTs: terms.expiresTs,
      sequence: isSame ? record.sequence + 1 : 0,
      silent: false,
      eventId: undefined,
      details: { ...detailsOf(terms), ...(Object.keys(content).length === 0 ? {} : { content }) },
      dueTs: plan.deliverTs ?? terms.expiresTs,
    }
  }
}

/** The content of its member event, as far as it is about the invitation. */
export const termsOfRecord = ({ recordId, expiresTs, details }: InvitationRecord): InvitationTerms => {
  const { comment, event, uid } = details
  return {
    ...(comment === undefined ? {} : { comment }),
    ...(expiresTs === undefined ? {} : { expiresTs }),
    ...(event === undefined ? {} : { event }),
    uid: uid ?? recordId,
  }
}

const over = (record: InvitationRecord, status: InvitationStatus, now: number): InvitationRecord => ({
  ...record,
  status,
  updatedTs: now,
  // Answers leave the invitation what it was (RFC 5546, 2.1.4).
  sequence: record.sequence + (status === 'cancelled' || status === 'expired' ? 1 : 0),
  dueTs: undefined,
})

const detailsOf = ({ comment, event, uid }: InvitationTerms): InvitationDetails => ({
  ...(comment === undefined ? {} : { comment }),
  ...(event === undefined ? {} : { event }),
  ...(uid === undefined ? {} : { uid }),
})

const uidOf = ({ recordId, details }: InvitationRecord): JsonObject => ({ uid: details.uid ?? recordId })
