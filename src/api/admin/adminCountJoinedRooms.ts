import { endpoint } from '../../http/endpoint.ts'

export const adminCountJoinedRooms = endpoint(
  'adminCountJoinedRooms',
  async ({ path, query }, { memberActivity }) => ({
    cumulative_joined_room_count: await memberActivity.joinedRooms(path.userId, query.from_ts),
  }),
)
