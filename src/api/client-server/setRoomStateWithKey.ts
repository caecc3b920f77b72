import { endpoint } from '../../http/endpoint.ts'

export const setRoomStateWithKey = endpoint(
  'setRoomStateWithKey',
  async ({ requester, path, body }, { sending }) => {
    const { eventId } = await sending.state(requester, {
      roomId: path.roomId,
      type: path.eventType,
      stateKey: path.stateKey,
      content: body,
    })
    return { event_id: eventId }
  },
)
