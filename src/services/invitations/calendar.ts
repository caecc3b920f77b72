import { type ContentLine, dateTime, escapeText, line, writeLines } from '../../core/icalendar.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { InvitationRecord } from '../../storage/invitations/records.ts'
import type { InvitationStatus } from '../../storage/rooms/invitations.ts'

/** A side of an invitation as calendars know it: an address (`mailto:` or `matrix:`) and a name. */
export interface CalendarUser {
  readonly uri: string
  readonly name: string | undefined
}

/** What a calendar part is made of. */
export interface CalendarSubject {
  readonly record: InvitationRecord
  readonly organizer: CalendarUser
  readonly attendee: CalendarUser
  readonly roomName: string | undefined
}

/** A part of a message, or a file (RFC 5546): what it asks for, and the text. */
export interface CalendarPart {
  readonly method: 'REQUEST' | 'CANCEL'
  readonly contentType: string
  readonly text: string
}

const PARTSTAT: Readonly<Record<InvitationStatus, string>> = {
  scheduled: 'NEEDS-ACTION',
  invited: 'NEEDS-ACTION',
  accepted: 'ACCEPTED',
  declined: 'DECLINED',
  cancelled: 'NEEDS-ACTION',
  expired: 'NEEDS-ACTION',
}

/**
 * An invitation as an iTIP message (RFC 5546, 3.2.2 and 3.2.5): a REQUEST, or a CANCEL once it was taken back or has expired.
 * A REQUEST must have a start; an invitation to no event in particular has that of itself, and takes up no time.
 */
export const calendarOf = ({ record, organizer, attendee, roomName }: CalendarSubject): CalendarPart => {
  const { roomId, status, sequence, createdTs, updatedTs, deliverTs, details } = record
  const isOver = status === 'cancelled' || status === 'expired'
  const method = isOver ? 'CANCEL' : 'REQUEST'
  const { event, comment } = details
  const link = roomLink(record)
  const summary = event?.summary || roomName || 'Invitation'
  const description = [...(comment === undefined ? [] : [comment]), link].join('\n\n')
  const lines: ContentLine[] = [
    line('BEGIN', 'VCALENDAR'),
    line('VERSION', '2.0'),
    line('PRODID', '-//Tessera//Invitations//EN'),
    line('METHOD', method),
    line('BEGIN', 'VEVENT'),
    line('UID', escapeText(uidOf(record))),
    line('SEQUENCE', String(sequence)),
    line('DTSTAMP', dateTime(updatedTs)),
    line('CREATED', dateTime(createdTs)),
    line('LAST-MODIFIED', dateTime(updatedTs)),
    line('DTSTART', dateTime(event?.start ?? deliverTs ?? createdTs)),
    ...(event?.end === undefined ? [] : [line('DTEND', dateTime(event.end))]),
    line('SUMMARY', escapeText(summary)),
    line('DESCRIPTION', escapeText(description)),
    line('URL', link),
    line('LOCATION', escapeText(roomName ?? roomId)),
    line('ORGANIZER', organizer.uri, named(organizer)),
    line('ATTENDEE', attendee.uri, {
      ...named(attendee),
      ROLE: 'REQ-PARTICIPANT',
      PARTSTAT: PARTSTAT[status],
      ...(status === 'invited' ? { RSVP: 'TRUE' } : {}),
    }),
    line('STATUS', isOver ? 'CANCELLED' : 'CONFIRMED'),
    line('TRANSP', event === undefined ? 'TRANSPARENT' : 'OPAQUE'),
    line('END', 'VEVENT'),
    line('END', 'VCALENDAR'),
  ]
  return {
    method,
    contentType: `text/calendar; charset=utf-8; method=${method}; component=VEVENT`,
    text: writeLines(lines),
  }
}

/** What calendars call an invitation; the same on the servers of both sides. */
export const uidOf = ({ recordId, details }: Pick<InvitationRecord, 'recordId' | 'details'>): string =>
  details.uid ?? recordId

/** A user as a calendar address (appendices, "Matrix URIs"). */
export const matrixUri = (userId: string): string =>
  `matrix:u/${encodeURIComponent(userId.slice(1)).replaceAll('%3A', ':')}`

const named = ({ name }: CalendarUser): ContentLine['parameters'] =>
  name === undefined || name === '' ? {} : { CN: name }

/** "matrix.to navigation": opens in whatever client somebody has. */
export const roomLink = ({ roomId, inviter }: Pick<InvitationRecord, 'roomId' | 'inviter'>): string =>
  `https://matrix.to/#/${encodeURIComponent(roomId)}?via=${encodeURIComponent(serverNameOf(inviter))}`
