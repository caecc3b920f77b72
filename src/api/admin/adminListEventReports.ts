import { endpoint } from '../../http/endpoint.ts'
import { nextOf, partOf } from '../administered-pages.ts'
import { eventReport } from '../administered-reports.ts'

export const adminListEventReports = endpoint(
  'adminListEventReports',
  async ({ query }, { administration }) => {
    const part = partOf(query)
    const { user_id: reporter, room_id: roomId, event_sender_user_id: userId } = query
    const filter = { kind: 'event', reporter, roomId, userId } as const
    const { reports, total } = await administration.reports.list(filter, part)
    const next = nextOf(part, reports.length, total)
    return {
      event_reports: (await administration.reports.withRooms(reports)).map(eventReport),
      total,
      ...(next === undefined ? {} : { next_token: next }),
    }
  },
)
