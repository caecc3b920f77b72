import { endpoint } from '../../http/endpoint.ts'

export const makeKnock = endpoint('makeKnock', ({ origin, path, query }, { federation }) =>
  federation.handshakes.makeKnock(origin, { ...path, versions: query.ver }),
)
