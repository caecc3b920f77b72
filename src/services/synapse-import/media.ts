import type { StoredBlob } from '../../storage/media/blob-store.ts'
import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { MediaCharges } from '../../storage/synapse/media-charges.ts'
import { storedFiles } from './imported-media.ts'
import { isOfServer, those } from './readable.ts'
import { tableStep } from './table-step.ts'

interface LocalRow {
  readonly media_id: string
  readonly media_type: string | null
  readonly created_ts: number | null
  readonly upload_name: string | null
  readonly user_id: string | null
  readonly quarantined_by: string | null
  readonly last_access_ts: number | null
  readonly safe_from_quarantine: number
}

const COLUMNS = [
  ...['origin', 'media_id', 'kind', 'user_id', 'content_hash', 'size', 'content_type', 'file_name'],
  ...['created_ts', 'accessed_ts', 'quarantined_ts', 'quarantined_by', 'is_protected'],
]

const ID = /^[A-Za-z0-9_=-]{5,255}$/

const NOT_THERE = "files that are not in Synapse's media store (it may have them in another, such as S3)"

/** What users of this server have uploaded. Pictures of links, which Synapse keeps among them, stay behind. */
export const uploads = tableStep<LocalRow>({
  name: 'files',
  table: 'local_media_repository',
  query: () => ({
    from: 'local_media_repository',
    columns: [
      ...['media_id', 'media_type', 'created_ts', 'upload_name', 'user_id', 'quarantined_by'],
      ...['last_access_ts', 'safe_from_quarantine'],
    ],
    key: ['media_id'],
    where: 'media_id IS NOT NULL AND url_cache IS NULL AND media_length IS NOT NULL',
  }),
  pageSize: 100,
  begin: ({ db, media, serverName, now }, progress) => {
    const insert = new BulkInsert(db, 'media', COLUMNS)
    const charges = new MediaCharges(db)
    return async rows => {
      if (media === undefined) {
        progress.left('files, as was asked for (--no-media)', rows.length)
        return []
      }
      const named = those(
        rows,
        row => ID.test(row.media_id),
        count => progress.left('files with names that are none', count),
      )
      const stored = await storedFiles(media, named)
      progress.left(NOT_THERE, named.length - stored.length)
      progress.came('files', stored.length)
      const files = stored.map(({ row, blob }) => ({ ...fileOf(row, serverName, now), ...contentOf(blob) }))
      return [insert.rows(files), charges.of(files.flatMap(file => (file.user_id === null ? [] : [file])))]
    }
  },
})

const contentOf = ({ hash, size }: StoredBlob) => ({ content_hash: hash, size })

const fileOf = (row: LocalRow, serverName: string, now: number) => ({
  origin: serverName,
  media_id: row.media_id,
  kind: 'upload',
  user_id: row.user_id !== null && isOfServer(row.user_id, serverName) ? row.user_id : null,
  content_type: row.media_type ?? 'application/octet-stream',
  file_name: row.upload_name,
  created_ts: row.created_ts ?? now,
  accessed_ts: row.last_access_ts ?? row.created_ts ?? now,
  quarantined_ts: row.quarantined_by === null ? null : now,
  quarantined_by: row.quarantined_by,
  is_protected: row.safe_from_quarantine ? 1 : 0,
})

interface RemoteRow {
  readonly media_origin: string
  readonly media_id: string
  readonly quarantined_by: string
}

/** Which files of other servers are hidden. Their copies are not moved: they are fetched anew. */
export const hiddenRemoteFiles = tableStep<RemoteRow>({
  name: 'hidden files of others',
  table: 'remote_media_cache',
  query: () => ({
    from: 'remote_media_cache',
    columns: ['media_origin', 'media_id', 'quarantined_by'],
    key: ['media_origin', 'media_id'],
    where: 'quarantined_by IS NOT NULL',
  }),
  begin: ({ db, now }, progress) => {
    const insert = new BulkInsert(db, 'media', COLUMNS)
    return rows => {
      progress.came('hidden files of other servers', rows.length)
      return [
        insert.rows(
          rows.map(row => ({
            origin: row.media_origin,
            media_id: row.media_id,
            kind: 'remote',
            size: 0,
            content_type: '',
            created_ts: now,
            accessed_ts: now,
            quarantined_ts: now,
            quarantined_by: row.quarantined_by,
            is_protected: 0,
          })),
        ),
      ]
    }
  },
})
