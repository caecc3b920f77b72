import { endpoint } from '../../http/endpoint.ts'

export const getAccount3PIDs = endpoint('getAccount3PIDs', async ({ requester }, { accounts }) => ({
  threepids: await accounts.threepids.list(requester.userId),
}))
