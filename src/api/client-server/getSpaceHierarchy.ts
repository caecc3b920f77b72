import { endpoint } from '../../http/endpoint.ts'

export const getSpaceHierarchy = endpoint(
  'getSpaceHierarchy',
  async ({ requester, path, query }, { spaceHierarchy }) =>
    spaceHierarchy.page(requester.userId, path.roomId, {
      suggestedOnly: query.suggested_only === true,
      limit: query.limit,
      maxDepth: query.max_depth,
      from: query.from,
    }),
)
