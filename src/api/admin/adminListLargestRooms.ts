import { endpoint } from '../../http/endpoint.ts'

const ROOMS = 10
/** Events whose size is looked at in each room. */
const SAMPLE = 1000

export const adminListLargestRooms = endpoint('adminListLargestRooms', async (_, { administration }) => {
  const rooms = await administration.rooms.catalogue.largest(ROOMS, SAMPLE)
  return { rooms: rooms.map(({ roomId, bytes }) => ({ room_id: roomId, estimated_size: bytes })) }
})
