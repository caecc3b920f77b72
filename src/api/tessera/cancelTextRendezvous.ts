import { endpoint, reply } from '../../http/endpoint.ts'
import { openRendezvous } from '../rendezvous-text.ts'

export const cancelTextRendezvous = endpoint('cancelTextRendezvous', async ({ path }, { accounts }) => {
  await openRendezvous(accounts.rendezvous).cancel(path.rendezvousId)
  return reply({ status: 204, body: '' })
})
