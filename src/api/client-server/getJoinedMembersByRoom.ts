import { endpoint } from '../../http/endpoint.ts'

export const getJoinedMembersByRoom = endpoint(
  'getJoinedMembersByRoom',
  async ({ requester, path }, { roomReading, appServices }) => {
    const speaksFor = appServices.registry.usersOf(requester)
    return { joined: await roomReading.joinedMembers(requester, path.roomId, speaksFor) }
  },
)
