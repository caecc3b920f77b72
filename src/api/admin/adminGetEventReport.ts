import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { eventReport } from '../administered-reports.ts'

export const adminGetEventReport = endpoint('adminGetEventReport', async ({ path }, { administration }) => {
  const report = await administration.reports.one('event', path.reportId)
  const [reviewed] = (await administration.reports.withRooms([report])).map(eventReport)
  if (reviewed === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no such report')
  return { ...reviewed, event_json: await administration.reports.eventOf(report) }
})
