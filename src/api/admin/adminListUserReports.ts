import { endpoint } from '../../http/endpoint.ts'
import { nextOf, partOf } from '../administered-pages.ts'
import { userReport } from '../administered-reports.ts'

export const adminListUserReports = endpoint(
  'adminListUserReports',
  async ({ query }, { administration }) => {
    const part = partOf(query)
    const { user_id: reporter, target_user_id: userPart } = query
    const { reports, total } = await administration.reports.list({ kind: 'user', reporter, userPart }, part)
    const next = nextOf(part, reports.length, total)
    return {
      user_reports: reports.map(userReport),
      total,
      ...(next === undefined ? {} : { next_token: next }),
    }
  },
)
