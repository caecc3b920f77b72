import type { RoomEvent } from '../../core/event/event.ts'
import { trustedEvent } from '../../core/event/format.ts'
import { redactPdu } from '../../core/event/redaction.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'

/** An event as it may be shown: without what a redaction took away. */
export const shownEvent = ({ event, redactedBy }: Pick<StoredEvent, 'event' | 'redactedBy'>): RoomEvent =>
  redactedBy === undefined
    ? event
    : trustedEvent(redactPdu(event.pdu, event.version), event.eventId, event.version)
