import { endpoint } from '../../http/endpoint.ts'
import { destinationNamed } from '../administered-destinations.ts'
import { nextOf, partOf } from '../administered-pages.ts'

export const adminListDestinationRooms = endpoint(
  'adminListDestinationRooms',
  async ({ path, query }, { administration }) => {
    const { server } = await destinationNamed(path.destination, administration)
    const part = partOf(query)
    const { destinations } = administration
    const [rooms, total] = await Promise.all([
      destinations.rooms(server, part),
      destinations.countRooms(server),
    ])
    const next = nextOf(part, rooms.length, total)
    return {
      rooms: rooms.map(({ roomId, newest }) => ({ room_id: roomId, stream_ordering: newest })),
      total,
      ...(next === undefined ? {} : { next_token: String(next) }),
    }
  },
)
