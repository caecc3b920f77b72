import { endpoint, reply } from '../../http/endpoint.ts'
import { isUnchanged } from '../../http/range.ts'
import { etagOf, openRendezvous, refuseNavigation, sessionHeaders } from '../rendezvous-text.ts'

export const readTextRendezvous = endpoint('readTextRendezvous', async ({ path, request }, { accounts }) => {
  refuseNavigation(request)
  const session = await openRendezvous(accounts.rendezvous).read(path.rendezvousId)
  const headers = sessionHeaders(session)
  const contentType = 'text/plain'
  return isUnchanged(request.headers, etagOf(session))
    ? reply({ status: 304, headers, body: '', contentType })
    : reply({ headers, body: session.data, contentType })
})
