import { endpoint } from '../../http/endpoint.ts'

export const adminGetJoinedRooms = endpoint('adminGetJoinedRooms', async ({ path }, { roomReading }) => {
  const rooms = await roomReading.joinedRooms(path.userId)
  return { joined_rooms: rooms, total: rooms.length }
})
