import { endpoint } from '../../http/endpoint.ts'

export const getRoomSummary = endpoint(
  'getRoomSummary',
  async ({ requester, path, query }, { roomSummaries }) =>
    roomSummaries.summary(requester?.userId, path.roomIdOrAlias, query.via ?? []),
)
