import type { Database } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { EventsOfSender } from '../../storage/rooms/events-of-sender.ts'
import { EventsOfType } from '../../storage/rooms/events-of-type.ts'
import { invitationStatements } from '../rooms/invitation-statements.ts'
import { asksForRedaction } from '../rooms/redact-on-ban.ts'
import type { RoomWriter } from '../rooms/room-writer.ts'
import { shownEvent } from '../rooms/shown-event.ts'
import type { InvitationRecords } from './records.ts'
import { withoutWordsOf } from './status.ts'

const BATCH = 200
const MEMBER = 'm.room.member'

/**
 * Takes out of records, and of what invited people are shown, what a redaction has taken out of member events: the
 * comment of an invitation, the answer of who has declined.
 */
export class InvitationRedactions {
  readonly #writer: RoomWriter
  readonly #records: InvitationRecords
  readonly #redactions: EventsOfType
  readonly #sent: EventsOfSender

  /** @param parts `records` are written with what the follower of events holds: it is the one that asks */
  constructor(parts: { writer: RoomWriter; database: Database; records: InvitationRecords }) {
    this.#writer = parts.writer
    this.#records = parts.records
    this.#redactions = new EventsOfType(
      parts.database,
      parts.writer.context.read.news,
      'm.room.redaction',
      MEMBER,
    )
    this.#sent = new EventsOfSender(parts.database)
  }

  /**
   * Works through the redactions of a span of the stream of events, whose memberships are on record already: what is
   * written of an answer later than its redaction would stay. Answers how far it came, at most `upTo`.
   */
  async follow(after: number, upTo: number): Promise<number> {
    const { events } = this.#writer.context.read
    const { nids, reached } = await this.#redactions.after(after, upTo, BATCH)
    const redactions = await events.byNids(nids)
    const targets = [...(await events.targetsOf(redactions)).values()]
    for (const removal of redactions) targets.push(...(await this.#ofRemoved(removal)))
    for (const stored of targets)
      if (stored.redactedBy !== undefined && stored.event.type === MEMBER) await this.#clean(stored)
    return reached
  }

  /** The member events that a kick or ban has redacted with all that its target has sent (MSC4293), as they stand now. */
  async #ofRemoved({ event, roomNid, nid, position }: StoredEvent): Promise<StoredEvent[]> {
    const { stateKey: sender } = event
    if (sender === undefined || position === undefined || !asksForRedaction(event)) return []
    const redacted = await this.#sent.redacted({ roomNid, sender }, { nid, position })
    const nids = redacted.flatMap(one => (one.type === MEMBER ? one.nid : []))
    const { events } = this.#writer.context.read
    events.forget(nids)
    return events.byNids(nids)
  }

  async #clean(stored: StoredEvent): Promise<void> {
    const { context } = this.#writer
    const { eventId, roomId, stateKey: userId, content } = stored.event
    if (userId === undefined) return
    await this.#records.change({ roomId, userId }, withoutWordsOf(stored.event))
    if (content['membership'] !== 'invite') return
    const invitation = await context.read.invitations.one(userId, roomId)
    const head = await this.#writer.head(roomId)
    if (invitation?.eventId !== eventId || invitation.status !== 'invited' || head === undefined) return
    const statements = await invitationStatements(context, head, shownEvent(stored), 'invite')
    await context.db.commit({ statements })
  }
}
