import { endpoint } from '../../http/endpoint.ts'

export const getRoomStateWithKey = endpoint(
  'getRoomStateWithKey',
  async ({ requester, path, query }, { roomReading }) => {
    const { roomId, eventType, stateKey } = path
    return roomReading.stateEvent(requester, {
      roomId,
      type: eventType,
      stateKey,
      format: query.format ?? 'content',
    })
  },
)
