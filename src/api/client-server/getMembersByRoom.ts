import { endpoint, reply } from '../../http/endpoint.ts'

export const getMembersByRoom = endpoint(
  'getMembersByRoom',
  async ({ requester, path, query }, { roomReading }) => {
    const events = await roomReading.members(requester, path.roomId, {
      at: query.at,
      membership: query.membership,
      notMembership: query.not_membership,
    })
    return reply({ body: `{"chunk":[${events.join(',')}]}` })
  },
)
