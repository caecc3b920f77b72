import { endpoint } from '../../http/endpoint.ts'
import { invitationsBy } from '../invitations-made.ts'
import { massagedTs } from '../massaged-ts.ts'

export const setRoomStateWithKey = endpoint(
  'setRoomStateWithKey',
  async ({ requester, path, query, body, limit }, { sending, delayedEvents }) => {
    const { roomId, eventType: type, stateKey } = path
    limit('invite', invitationsBy(type, stateKey, body))
    const delayMs = query['org.matrix.msc4140.delay']
    const stickyMs = query['org.matrix.msc4354.sticky_duration_ms']
    if (delayMs !== undefined) {
      const wanted = { roomId, type, stateKey, content: body, delayMs, stickyMs, byQuery: true }
      return { delay_id: (await delayedEvents.schedule(requester, wanted)).delayId }
    }
    const ts = massagedTs(requester, query.ts)
    const { eventId } = await sending.state(requester, {
      roomId,
      type,
      stateKey,
      content: body,
      ts,
      stickyMs,
    })
    return { event_id: eventId }
  },
)
