import { MatrixError } from '../core/errors.ts'
import type { Media } from '../services/media/index.ts'
import type { DeletedMedia, MediaInfo } from '../services/media/moderation.ts'
import type { Operations } from '../spec/types.ts'

/** Instants before this one (ms) were meant to be seconds. */
const EARLIEST_TS = 30_000_000_000

/** What is known of a file, as it is answered. */
export const mediaInfo = (
  row: MediaInfo,
  serverName: string,
): Operations['adminGetMedia']['response']['media_info'] => {
  const isOwn = row.origin === serverName
  return {
    media_origin: isOwn ? null : row.origin,
    user_id: row.userId ?? null,
    media_id: row.mediaId,
    media_type: row.contentType,
    media_length: row.size,
    upload_name: row.fileName ?? null,
    created_ts: row.createdTs,
    filesystem_id: null,
    url_cache: null,
    last_access_ts: row.accessedTs,
    quarantined_by: row.quarantinedTs === undefined ? null : (row.quarantinedBy ?? ''),
    authenticated: row.isAuthenticated,
    safe_from_quarantine: isOwn ? row.isProtected : null,
    sha256: row.hash ?? null,
  }
}

/** @throws {MatrixError} `M_INVALID_PARAM`: another server's */
export const requireOwn = (serverName: string, media: Pick<Media, 'serverName'>): void => {
  if (serverName !== media.serverName)
    throw new MatrixError('M_INVALID_PARAM', 'Only files of this server can be deleted')
}

/** An instant in milliseconds. @throws {MatrixError} `M_INVALID_PARAM`: it must be seconds */
export const instantOf = (ts: number): number => {
  if (ts >= EARLIEST_TS) return ts
  throw new MatrixError('M_INVALID_PARAM', 'before_ts is in 1970: it has to be given in milliseconds')
}

/** Deletes old uploads. @throws {MatrixError} as `instantOf` */
export const deleteOld = async (
  query: Operations['adminDeleteOldMedia']['query'],
  { moderation }: Pick<Media, 'moderation'>,
): Promise<DeletedMedia> =>
  moderation.deleteOld(instantOf(query.before_ts), query.size_gt, query.keep_profiles)
