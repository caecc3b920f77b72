import { endpoint } from '../../http/endpoint.ts'

export const adminDeleteEventReport = endpoint(
  'adminDeleteEventReport',
  async ({ path }, { administration }) => {
    await administration.reports.delete('event', path.reportId)
    return {}
  },
)
