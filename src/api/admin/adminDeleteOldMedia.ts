import { endpoint } from '../../http/endpoint.ts'
import { deleteOld } from '../administered-media.ts'

export const adminDeleteOldMedia = endpoint('adminDeleteOldMedia', ({ query }, { media }) =>
  deleteOld(query, media),
)
