import { endpoint } from '../../http/endpoint.ts'

export const sendJoinV2 = endpoint('sendJoinV2', ({ origin, path, query, body }, { federation }) =>
  federation.handshakes.sendJoin(origin, { ...path, event: body, omitMembers: query.omit_members === true }),
)
