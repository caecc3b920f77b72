import { endpoint } from '../../http/endpoint.ts'
import { deleteOld, requireOwn } from '../administered-media.ts'

export const adminDeleteOldMediaOfServer = endpoint(
  'adminDeleteOldMediaOfServer',
  async ({ path, query }, { media }) => {
    requireOwn(path.serverName, media)
    return deleteOld(query, media)
  },
)
