import type { JsonObject } from '../../core/json.ts'
import { endpoint } from '../../http/endpoint.ts'
import type { Requester } from '../../services/requester.ts'
import { invitationsBy } from '../invitations-made.ts'
import { massagedTs } from '../massaged-ts.ts'
import { heardMembership, pretendedEvent } from '../pretended.ts'

const isOwnJoin = (
  { userId }: Requester,
  { eventType, stateKey }: { eventType: string; stateKey: string },
  { membership }: JsonObject,
): boolean => eventType === 'm.room.member' && stateKey === userId && membership === 'join'

export const setRoomStateWithKey = endpoint(
  'setRoomStateWithKey',
  async ({ requester, path, query, body, limit }, { sending, delayedEvents, memberships }) => {
    const { roomId, eventType: type, stateKey } = path
    limit('invite', invitationsBy(type, stateKey, body))
    const delayMs = query['org.matrix.msc4140.delay']
    const stickyMs = query['org.matrix.msc4354.sticky_duration_ms']
    const ts = massagedTs(requester, query.ts)
    if (delayMs !== undefined) {
      const wanted = { roomId, type, stateKey, content: body, delayMs, stickyMs, ts, byQuery: true }
      return { delay_id: (await delayedEvents.schedule(requester, wanted)).delayId }
    }
    if (requester.isShadowBanned && isOwnJoin(requester, path, body)) {
      // Who is in already would show a new name.
      await memberships.join({ userId: requester.userId, roomId })
      return pretendedEvent(requester, roomId, type, JSON.stringify(body))
    }
    const { eventId } = await sending.state(requester, {
      roomId,
      type,
      stateKey,
      content: heardMembership(requester, type, body),
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
