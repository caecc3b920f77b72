import { endpoint } from '../../http/endpoint.ts'

export const adminRedactUser = endpoint(
  'adminRedactUser',
  async ({ requester, path, body }, { administration }) => {
    const { redaction, tasks } = administration
    const redactId = await redaction.schedule(tasks, requester.userId, path.userId, {
      rooms: body.rooms,
      reason: body.reason ?? undefined,
      limit: body.limit ?? undefined,
      byAdministrator: body.use_admin === true,
      afterTs: body.after_ts ?? undefined,
      beforeTs: body.before_ts ?? undefined,
    })
    return { redact_id: redactId }
  },
)
