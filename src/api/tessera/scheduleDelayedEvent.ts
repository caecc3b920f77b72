import { endpoint } from '../../http/endpoint.ts'
import { checkMessageContent } from '../../services/rooms/message-content.ts'
import { invitationsBy } from '../invitations-made.ts'

export const scheduleDelayedEvent = endpoint(
  'scheduleDelayedEvent',
  async ({ requester, path, query, body, limit }, { delayedEvents }) => {
    if (body.state_key === undefined) checkMessageContent(path.eventType, body.content)
    limit('invite', invitationsBy(path.eventType, body.state_key, body.content))
    const { delayId } = await delayedEvents.schedule(requester, {
      ...{ roomId: path.roomId, type: path.eventType, txnId: path.txnId },
      ...{ stateKey: body.state_key, content: body.content, delayMs: body.delay_ms },
      stickyMs: query['org.matrix.msc4354.sticky_duration_ms'],
    })
    return { delay_id: delayId }
  },
)
