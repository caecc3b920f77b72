import { endpoint } from '../../http/endpoint.ts'

export const getMissingPreviousEvents = endpoint(
  'getMissingPreviousEvents',
  ({ origin, path, body }, { federation }) =>
    federation.history.missing(origin, path.roomId, {
      earliest: body.earliest_events,
      latest: body.latest_events,
      limit: body.limit ?? 10,
      minDepth: body.min_depth ?? 0,
    }),
)
