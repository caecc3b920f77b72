import { endpoint } from '../../http/endpoint.ts'
import { userReport } from '../administered-reports.ts'

export const adminGetUserReport = endpoint('adminGetUserReport', async ({ path }, { administration }) =>
  userReport(await administration.reports.one('user', path.reportId)),
)
