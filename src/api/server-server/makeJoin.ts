import { endpoint } from '../../http/endpoint.ts'

/** "Defaults to `["1"]`" where the joining server does not say which versions it knows. */
export const makeJoin = endpoint('makeJoin', ({ origin, path, query }, { federation }) =>
  federation.handshakes.makeJoin(origin, { ...path, versions: query.ver ?? ['1'] }),
)
