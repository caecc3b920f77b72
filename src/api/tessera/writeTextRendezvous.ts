import { MatrixError } from '../../core/errors.ts'
import { endpoint, reply } from '../../http/endpoint.ts'
import { openRendezvous, sessionHeaders, textOf } from '../rendezvous-text.ts'

export const writeTextRendezvous = endpoint(
  'writeTextRendezvous',
  async ({ path, body, request }, { accounts }) => {
    const rendezvous = openRendezvous(accounts.rendezvous)
    const data = await textOf(body)
    const [, seen] = /^"(.*)"$/.exec(request.headers['if-match'] ?? '') ?? []
    if (seen === undefined) throw new MatrixError('M_MISSING_PARAM', 'If-Match must name the ETag last seen')
    const session = await rendezvous.write(path.rendezvousId, seen, data, 412)
    return reply({ status: 202, headers: sessionHeaders(session) })
  },
)
