import { endpoint } from '../../http/endpoint.ts'

export const getInvitations = endpoint('getInvitations', async ({ requester, query }, { invitations }) =>
  invitations.listing.list(requester.userId, query),
)
