import { endpoint } from '../../http/endpoint.ts'

export const federationGetSpaceHierarchy = endpoint(
  'federationGetSpaceHierarchy',
  ({ origin, path, query }, { spaceHierarchy }) =>
    spaceHierarchy.forServer(origin, path.roomId, query.suggested_only === true),
)
