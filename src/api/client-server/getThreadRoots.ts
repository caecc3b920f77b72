import { endpoint, reply } from '../../http/endpoint.ts'

export const getThreadRoots = endpoint(
  'getThreadRoots',
  async ({ requester, path, query }, { roomRelations }) => {
    const { chunk, nextBatch } = await roomRelations.threads(requester, path.roomId, {
      participated: query.include === 'participated',
      limit: query.limit,
      from: query.from,
    })
    const next = nextBatch === undefined ? '' : `,"next_batch":"${nextBatch}"`
    return reply({ body: `{"chunk":[${chunk.join(',')}]${next}}` })
  },
)
