import type { ReviewedEvent } from '../services/administration/report-review.ts'
import type { Operations } from '../spec/types.ts'

type EventReport = Operations['adminListEventReports']['response']['event_reports'][number]
type UserReport = Operations['adminGetUserReport']['response']

/** A report of an event, as it is answered. */
export const eventReport = ({ report, sender, roomName, canonicalAlias }: ReviewedEvent): EventReport => ({
  id: report.nr,
  received_ts: report.createdTs,
  room_id: report.roomId ?? '',
  event_id: report.eventId ?? '',
  user_id: report.reporter,
  score: null,
  reason: report.reason ?? null,
  sender: sender ?? null,
  canonical_alias: canonicalAlias ?? null,
  name: roomName ?? null,
})

/** A report of a user, as it is answered. */
export const userReport = ({
  nr,
  createdTs,
  userId,
  reporter,
  reason,
}: ReviewedEvent['report']): UserReport => ({
  id: nr,
  received_ts: createdTs,
  target_user_id: userId ?? '',
  user_id: reporter,
  reason: reason ?? null,
})
