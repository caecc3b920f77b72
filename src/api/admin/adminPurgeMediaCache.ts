import { endpoint } from '../../http/endpoint.ts'
import { instantOf } from '../administered-media.ts'

export const adminPurgeMediaCache = endpoint('adminPurgeMediaCache', async ({ query }, { media }) => ({
  deleted: await media.moderation.deleteCopies(instantOf(query.before_ts)),
}))
