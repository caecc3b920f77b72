import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const defineFilter = endpoint('defineFilter', async ({ requester, path, body }, { accounts }) => {
  refuseOthers(requester, path.userId)
  return { filter_id: await accounts.filters.define(path.userId, body) }
})
