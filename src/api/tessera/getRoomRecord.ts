import { endpoint } from '../../http/endpoint.ts'

export const getRoomRecord = endpoint(
  'getRoomRecord',
  async ({ requester, path, query }, { roomSummaries }) =>
    roomSummaries.record(requester.userId, path.roomIdOrAlias, query.via ?? []),
)
