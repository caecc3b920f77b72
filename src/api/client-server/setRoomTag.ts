import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const setRoomTag = endpoint('setRoomTag', async ({ requester, path, body }, { accounts }) => {
  refuseOthers(requester, path.userId)
  const { order, ...others } = body
  const tag = order === undefined ? others : { ...others, order: orderOf(order) }
  await accounts.tags.set(path.userId, path.roomId, path.tag, tag)
  return {}
})

/** Some clients write the number as text (which ruma reads with `compat-tag-info`); others are told the number. */
const orderOf = (order: number | string): number => {
  if (typeof order === 'number') return order
  if (/^\d{1,9}(\.\d{1,17})?$/.test(order)) return Number(order)
  throw new MatrixError('M_BAD_JSON', 'order must be a number')
}
