import { endpoint, reply } from '../../http/endpoint.ts'
import { openRendezvous, sessionHeaders, textOf } from '../rendezvous-text.ts'

export const createTextRendezvous = endpoint('createTextRendezvous', async ({ body }, { accounts }) => {
  const rendezvous = openRendezvous(accounts.rendezvous)
  const session = await rendezvous.create(await textOf(body), undefined)
  const url = `${rendezvous.baseUrl}/_matrix/client/unstable/org.matrix.msc4108/rendezvous/${session.id}`
  return reply({ status: 201, headers: sessionHeaders(session), json: { url } })
})
