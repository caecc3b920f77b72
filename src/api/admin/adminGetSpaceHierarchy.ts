import { endpoint } from '../../http/endpoint.ts'

export const adminGetSpaceHierarchy = endpoint(
  'adminGetSpaceHierarchy',
  ({ requester, path, query }, { administration }) =>
    administration.spaceHierarchy.page(requester.userId, path.roomId, {
      suggestedOnly: false,
      limit: query.limit,
      maxDepth: query.max_depth,
      from: query.from,
    }),
)
