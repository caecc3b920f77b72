import { endpoint } from '../../http/endpoint.ts'
import { heardReason } from '../pretended.ts'

/** MSC4293 */
const REDACT = 'org.matrix.msc4293.redact_events'

export const kick = endpoint('kick', async ({ requester, path, body }, { memberships }) => {
  await memberships.kick({
    sender: requester.userId,
    userId: body.user_id,
    roomId: path.roomId,
    reason: heardReason(requester, body.reason),
    ...(body[REDACT] === undefined ? {} : { content: { [REDACT]: body[REDACT] } }),
  })
  return {}
})
