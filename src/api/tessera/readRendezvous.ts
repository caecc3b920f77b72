import { endpoint } from '../../http/endpoint.ts'
import { refuseNavigation } from '../rendezvous-text.ts'

export const readRendezvous = endpoint('readRendezvous', async ({ path, request }, { accounts }) => {
  refuseNavigation(request)
  const { data, sequenceToken, expiresInMs } = await accounts.rendezvous.read(path.rendezvousId)
  return { data, sequence_token: sequenceToken, expires_in_ms: expiresInMs }
})
