import { endpoint } from '../../http/endpoint.ts'

export const makeLeave = endpoint('makeLeave', ({ origin, path }, { federation }) =>
  federation.handshakes.makeLeave(origin, path),
)
