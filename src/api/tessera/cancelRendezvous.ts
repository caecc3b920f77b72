import { endpoint } from '../../http/endpoint.ts'

export const cancelRendezvous = endpoint('cancelRendezvous', async ({ path }, { accounts }) => {
  await accounts.rendezvous.cancel(path.rendezvousId)
  return {}
})
