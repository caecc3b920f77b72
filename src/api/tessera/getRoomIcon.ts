import { endpoint } from '../../http/endpoint.ts'
import { stockIconReply } from '../stock-icon-reply.ts'

export const getRoomIcon = endpoint(
  'getRoomIcon',
  async ({ requester, path, query, request }, { media, roomSummaries }) => {
    const { avatar_url: avatarUrl } = await roomSummaries.record(
      requester.userId,
      path.roomId,
      query.via ?? [],
    )
    return stockIconReply(media, { id: path.roomId, avatarUrl }, query.size, request)
  },
)
