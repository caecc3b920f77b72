import { endpoint } from '../../http/endpoint.ts'

export const getWhoIs = endpoint('getWhoIs', ({ requester, path }, { accounts }) =>
  accounts.moderation.whoIs(requester, path.userId),
)
