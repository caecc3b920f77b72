import { endpoint } from '../../http/endpoint.ts'
import { invitationsBy } from '../invitations-made.ts'
import { massagedTs } from '../massaged-ts.ts'
import { pretendedEvent } from '../pretended.ts'

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
  {
    pretend: ({ requester, path, query, body }) => {
      // Who comes or goes is known to everybody.
      if (path.eventType === 'm.room.member' && body['membership'] !== 'invite') return undefined
      const event = pretendedEvent(
        requester,
        path.roomId,
        path.eventType,
        path.stateKey,
        JSON.stringify(body),
      )
      return query['org.matrix.msc4140.delay'] === undefined ? event : { delay_id: event.event_id.slice(1) }
    },
  },
)
