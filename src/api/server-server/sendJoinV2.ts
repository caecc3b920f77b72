import { endpoint, reply } from '../../http/endpoint.ts'

export const sendJoinV2 = endpoint(
  'sendJoinV2',
  async ({ origin, path, query, body, limit }, { federation }) => {
    const handedIn = { ...path, event: body, omitMembers: query.omit_members === true }
    return reply({
      body: await federation.handshakes.sendJoin(origin, handedIn, units => limit('federation-state', units)),
    })
  },
)
