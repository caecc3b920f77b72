import { endpoint } from '../../http/endpoint.ts'

export const perspectivesKeyQuery = endpoint(
  'perspectivesKeyQuery',
  async ({ path, query }, { federation }) => ({
    server_keys: await federation.notary.query(new Map([[path.serverName, query.minimum_valid_until_ts]])),
  }),
)
