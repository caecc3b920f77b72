import { endpoint } from '../../http/endpoint.ts'

export const getJoinedMembersByRoom = endpoint(
  'getJoinedMembersByRoom',
  async ({ requester, path }, { roomReading }) => ({
    joined: await roomReading.joinedMembers(requester, path.roomId),
  }),
)
