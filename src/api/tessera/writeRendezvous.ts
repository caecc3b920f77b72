import { endpoint } from '../../http/endpoint.ts'

export const writeRendezvous = endpoint('writeRendezvous', async ({ path, body }, { accounts }) => {
  const { sequenceToken } = await accounts.rendezvous.write(path.rendezvousId, body.sequence_token, body.data)
  return { sequence_token: sequenceToken }
})
