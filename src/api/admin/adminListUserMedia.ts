import { endpoint } from '../../http/endpoint.ts'
import { nextOf } from '../administered-pages.ts'
import { uploadsOf } from '../administered-uploads.ts'

export const adminListUserMedia = endpoint('adminListUserMedia', async ({ path, query }, services) => {
  const { moderation } = services.media
  const { part, rows } = await uploadsOf(services, path.userId, query)
  const total = await moderation.catalogue.countOfUser(path.userId)
  const next = nextOf(part, rows.length, total)
  return {
    media: rows.map(row => ({
      media_id: row.mediaId,
      media_type: row.contentType,
      media_length: row.size,
      upload_name: row.fileName ?? null,
      created_ts: row.createdTs,
      url_cache: null,
      last_access_ts: row.accessedTs,
      quarantined_by: row.quarantinedTs === undefined ? null : (row.quarantinedBy ?? ''),
      safe_from_quarantine: row.isProtected,
      user_id: path.userId,
      authenticated: moderation.isAuthenticated(row),
      sha256: row.hash ?? null,
    })),
    total,
    ...(next === undefined ? {} : { next_token: next }),
  }
})
