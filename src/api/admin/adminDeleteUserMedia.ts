import { endpoint } from '../../http/endpoint.ts'
import { uploadsOf } from '../administered-uploads.ts'

export const adminDeleteUserMedia = endpoint('adminDeleteUserMedia', async ({ path, query }, services) => {
  const { rows } = await uploadsOf(services, path.userId, query)
  return services.media.moderation.deleteListed(rows)
})
