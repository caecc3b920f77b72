import { endpoint, reply } from '../../http/endpoint.ts'
import { listBody } from '../../services/body.ts'

export const getJoinedMembersByRoom = endpoint(
  'getJoinedMembersByRoom',
  async ({ requester, path }, { roomReading, appServices }) => {
    const speaksFor = appServices.registry.usersOf(requester)
    const members = await roomReading.joinedMembers(requester, path.roomId, speaksFor)
    return reply({ body: await listBody('{"joined":{', members, '}}') })
  },
)
