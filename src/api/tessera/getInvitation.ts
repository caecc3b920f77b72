import { endpoint } from '../../http/endpoint.ts'

export const getInvitation = endpoint('getInvitation', async ({ requester, path, query }, { invitations }) =>
  invitations.listing.one(requester.userId, path.roomId, query.user_id),
)
