import { endpoint } from '../../http/endpoint.ts'

export const searchUserDirectory = endpoint(
  'searchUserDirectory',
  async ({ requester, body }, { userDirectory }) =>
    userDirectory.search(requester.userId, body.search_term, body.limit),
)
