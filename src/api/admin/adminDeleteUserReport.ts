import { endpoint } from '../../http/endpoint.ts'

export const adminDeleteUserReport = endpoint(
  'adminDeleteUserReport',
  async ({ path }, { administration }) => {
    await administration.reports.delete('user', path.reportId)
    return {}
  },
)
