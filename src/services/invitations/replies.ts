import { MatrixError } from '../../core/errors.ts'
import { type ContentLine, readLines, unescapeText } from '../../core/icalendar.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { Requester } from '../requester.ts'
import type { Memberships } from '../rooms/memberships.ts'
import { matrixUri, uidOf } from './calendar.ts'
import type { InvitationListing } from './listing.ts'

/** What a REPLY says (RFC 5546, 3.2.3). */
export interface CalendarReply {
  readonly uid: string
  readonly sequence: number
  /** The address of whoever replies, as a URI. */
  readonly attendee: string
  readonly partstat: string
  readonly comment: string | undefined
}

/** Takes the answers of calendars. */
export class CalendarReplies {
  readonly #listing: InvitationListing
  readonly #memberships: Memberships
  readonly #addressesOf: (userId: string) => Promise<readonly string[]>

  constructor(parts: {
    listing: InvitationListing
    memberships: Memberships
    /** A user's verified e-mail addresses. */
    addressesOf: (userId: string) => Promise<readonly string[]>
  }) {
    this.#listing = parts.listing
    this.#memberships = parts.memberships
    this.#addressesOf = parts.addressesOf
  }

  /**
   * Accepts or declines an invitation as an iTIP REPLY says; its comment is the reason.
   *
   * Throws `M_INVALID_PARAM` for what is no such reply, `M_FORBIDDEN` if it is somebody else's, `M_BAD_STATE` if the
   * invitation is over or has changed since, `M_NOT_FOUND`; and as joins do.
   */
  async take(
    requester: Pick<Requester, 'userId' | 'isShadowBanned'>,
    roomId: string,
    text: string,
  ): Promise<void> {
    const { userId } = requester
    const reply = readReply(text)
    const record = await this.#listing.record(userId, roomId)
    if (reply.uid !== uidOf(record)) throw invalid('it is about another invitation')
    if (!(await this.#isOf(userId, reply.attendee))) {
      throw new MatrixError('M_FORBIDDEN', 'The reply is somebody else’s')
    }
    if (reply.sequence !== record.sequence) {
      throw new MatrixError(
        'M_BAD_STATE',
        'The invitation has changed since: the reply is to another version',
      )
    }
    if (record.status !== 'invited') throw new MatrixError('M_BAD_STATE', 'The invitation is no longer open')
    const change = { userId, roomId, reason: requester.isShadowBanned ? undefined : reply.comment }
    switch (reply.partstat) {
      case 'ACCEPTED':
        return this.#memberships.join({ ...change, via: [serverNameOf(record.inviter)] })
      case 'DECLINED':
        return this.#memberships.leave(change)
      default:
        throw invalid('an invitation to a room is accepted or declined')
    }
  }

  async #isOf(userId: string, attendee: string): Promise<boolean> {
    if (attendee === matrixUri(userId)) return true
    const [, address] = /^mailto:(.+)$/i.exec(attendee) ?? []
    if (address === undefined) return false
    const own = await this.#addressesOf(userId)
    return own.some(verified => verified.toLowerCase() === address.toLowerCase())
  }
}

/** Reads a REPLY: one event, one attendee. Throws `M_INVALID_PARAM`. */
export const readReply = (text: string): CalendarReply => {
  const lines = readLines(text)
  const only = (name: string): ContentLine => {
    const [found, another] = lines.filter(one => one.name === name)
    if (found === undefined) throw invalid(`${name} is missing`)
    if (another !== undefined) throw invalid(`there is more than one ${name}`)
    return found
  }
  const events = lines.filter(({ name, value }) => name === 'BEGIN' && value.toUpperCase() === 'VEVENT')
  if (lines[0]?.name !== 'BEGIN' || events.length !== 1) throw invalid('it is not a calendar with one event')
  if (only('METHOD').value.toUpperCase() !== 'REPLY') throw invalid('it is not a REPLY')
  const { parameters, value: attendee } = only('ATTENDEE')
  // "SEQUENCE: 0 or 1 … MUST be present if value is greater than 0."
  const sequence = lines.some(({ name }) => name === 'SEQUENCE') ? only('SEQUENCE').value : '0'
  if (!/^\d{1,9}$/.test(sequence)) throw invalid('SEQUENCE is no number')
  const comment = lines.find(({ name }) => name === 'COMMENT')
  return {
    uid: unescapeText(only('UID').value),
    sequence: Number(sequence),
    attendee,
    partstat: (parameters['PARTSTAT'] ?? 'NEEDS-ACTION').toUpperCase(),
    comment: comment && unescapeText(comment.value),
  }
}

const invalid = (message: string): MatrixError =>
  new MatrixError('M_INVALID_PARAM', `The calendar reply cannot be taken: ${message}`)
