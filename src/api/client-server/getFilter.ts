import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const getFilter = endpoint('getFilter', async ({ requester, path }, { accounts }) => {
  refuseOthers(requester, path.userId)
  return accounts.filters.get(path.userId, path.filterId)
})
