import { endpoint } from '../../http/endpoint.ts'

/** "Servers MUST always re-prompt": each confirmation is good for one token. */
export const generateLoginToken = endpoint(
  'generateLoginToken',
  async ({ requester, request, body }, { accounts }) => {
    accounts.loginTokens.refuse(requester)
    const userId = await accounts.management.confirm(requester, request, body, { singleUse: true })
    return accounts.loginTokens.generate(userId)
  },
)
