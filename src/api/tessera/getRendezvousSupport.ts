import { endpoint } from '../../http/endpoint.ts'

export const getRendezvousSupport = endpoint('getRendezvousSupport', async ({ requester }, { accounts }) => ({
  create_available: accounts.rendezvous.mayCreate(requester),
}))
