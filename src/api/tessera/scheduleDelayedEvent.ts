import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { checkMessageContent } from '../../services/rooms/message-content.ts'
import { invitationsBy } from '../invitations-made.ts'
import { massagedTs } from '../massaged-ts.ts'
import { pretendedEvent } from '../pretended.ts'

export const scheduleDelayedEvent = endpoint(
  'scheduleDelayedEvent',
  async ({ requester, path, query, body, limit }, { delayedEvents }) => {
    // ruma calls it `delay` still.
    const delayMs = body.delay_ms ?? body.delay
    if (delayMs === undefined) throw new MatrixError('M_MISSING_PARAM', 'The body lacks delay_ms')
    if (body.state_key === undefined) checkMessageContent(path.eventType, body.content)
    limit('invite', invitationsBy(path.eventType, body.state_key, body.content))
    const { delayId } = await delayedEvents.schedule(requester, {
      ...{ roomId: path.roomId, type: path.eventType, txnId: path.txnId },
      ...{ stateKey: body.state_key, content: body.content, delayMs },
      stickyMs: query['org.matrix.msc4354.sticky_duration_ms'],
      ts: massagedTs(requester, query.ts),
    })
    return { delay_id: delayId }
  },
  {
    pretend: ({ requester, path }) => {
      const { event_id: id } = pretendedEvent(requester, path.roomId, path.eventType, path.txnId)
      return { delay_id: id.slice(1) }
    },
  },
)
