import { endpoint } from '../../http/endpoint.ts'

export const getMutualRooms = endpoint('getMutualRooms', async ({ requester, query }, { mutualRooms }) =>
  mutualRooms.page(requester.userId, query.user_id, query.from),
)
