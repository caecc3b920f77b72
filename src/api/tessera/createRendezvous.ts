import { endpoint } from '../../http/endpoint.ts'

export const createRendezvous = endpoint('createRendezvous', async ({ requester, body }, { accounts }) => {
  const { id, sequenceToken, expiresInMs } = await accounts.rendezvous.create(body.data, requester)
  return { id, sequence_token: sequenceToken, expires_in_ms: expiresInMs }
})
