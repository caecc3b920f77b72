import { endpoint, reply } from '../../http/endpoint.ts'

export const initialSync = endpoint('initialSync', async ({ requester, query }, { roomSnapshots }) =>
  reply({
    body: await roomSnapshots.all(requester, { limit: query.limit, archived: query.archived === true }),
  }),
)
