import { endpoint } from '../../http/endpoint.ts'

export const bulkPerspectivesKeyQuery = endpoint(
  'bulkPerspectivesKeyQuery',
  async ({ body }, { federation }) => {
    const questions = Object.entries(body.server_keys).map(([server, keys]) => {
      const instants = Object.values(keys).flatMap(criteria => criteria.minimum_valid_until_ts ?? [])
      return [server, instants.length === 0 ? undefined : Math.max(...instants)] as const
    })
    return { server_keys: await federation.notary.query(new Map(questions)) }
  },
)
