import { endpoint } from '../../http/endpoint.ts'

const TYPES = ['m.fully_read', 'm.read', 'm.read.private'] as const

export const setReadMarker = endpoint(
  'setReadMarker',
  async ({ requester, path, body }, { receipts, presence }) => {
    const markers = TYPES.flatMap(type => {
      const eventId =
        body[type] ?? (type === 'm.read.private' ? body['org.matrix.msc2285.read.private'] : undefined)
      return eventId === undefined ? [] : { type, eventId }
    })
    await receipts.mark(requester.userId, path.roomId, markers)
    presence.active(requester)
    return {}
  },
)
