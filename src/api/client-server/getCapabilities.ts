import { endpoint } from '../../http/endpoint.ts'

export const getCapabilities = endpoint('getCapabilities', async ({ requester }, { accounts }) => ({
  capabilities: accounts.capabilities(requester),
}))
