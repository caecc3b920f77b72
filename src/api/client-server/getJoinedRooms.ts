import { endpoint } from '../../http/endpoint.ts'

export const getJoinedRooms = endpoint('getJoinedRooms', async ({ requester }, { roomReading }) => ({
  joined_rooms: await roomReading.joinedRooms(requester.userId),
}))
