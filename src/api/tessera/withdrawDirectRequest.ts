import { endpoint } from '../../http/endpoint.ts'

export const withdrawDirectRequest = endpoint(
  'withdrawDirectRequest',
  async ({ requester, path }, { directRequests }) => {
    await directRequests.withdraw(requester.userId, path.userId)
    return {}
  },
)
