import type { Services } from '../services/index.ts'
import type { Operations } from '../spec/types.ts'
import { type ListPart, partOf } from './administered-pages.ts'

type Query = Operations['adminListUserMedia']['query']

/** The uploads of a user that a query asks for. @throws {MatrixError} `M_INVALID_PARAM`, `M_NOT_FOUND` */
export const uploadsOf = async ({ accounts, media }: Services, userId: string, query: Query) => {
  await accounts.administered.one(userId)
  const { order_by: order = 'created_ts', dir } = query
  const usual = query.order_by === undefined ? 'b' : 'f'
  const part: ListPart = partOf({ ...query, dir: dir ?? usual })
  const rows = await media.moderation.catalogue.ofUser(userId, { ...part, order })
  return { part, rows }
}
