import { endpoint } from '../../http/endpoint.ts'

export const backfillRoom = endpoint('backfillRoom', ({ origin, path, query }, { federation }) =>
  federation.history.backfill(origin, path.roomId, query.v, query.limit),
)
