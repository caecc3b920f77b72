import type { Prepared, Reader, Row, WriteStatement } from '../database.ts'
import type { StoredBlob } from './blob-store.ts'

/** `upload`: by a user of this server; `remote`: a copy; `preview`: the picture of a link. */
export type MediaKind = 'upload' | 'remote' | 'preview'

/** What is known about a file. Instants are milliseconds since 1970. */
export interface MediaRow {
  readonly origin: string
  readonly mediaId: string
  readonly kind: MediaKind
  /** Who uploaded it, or is about to. */
  readonly userId: string | undefined
  /** `undefined`: there is no content yet. */
  readonly hash: string | undefined
  readonly size: number
  readonly contentType: string
  readonly fileName: string | undefined
  /** When the content was stored here; before that, when its name was made. */
  readonly createdTs: number
  readonly accessedTs: number
  /** Until when it may be uploaded. */
  readonly expiresTs: number | undefined
  readonly quarantinedTs: number | undefined
  /** The administrator who has hidden it, where one has. */
  readonly quarantinedBy: string | undefined
  /** Administrators keep it from being hidden together with others, and from going when it is old. */
  readonly isProtected: boolean
}

/** A file with its content, about to be stored. */
export interface NewMedia extends StoredBlob {
  readonly origin: string
  readonly mediaId: string
  readonly contentType: string
  readonly fileName: string | undefined
  readonly now: number
}

/** That a file was asked for is noted this often: it need not be exact. Milliseconds. */
export const ACCESS_PRECISION_MS = 3_600_000

const COLUMNS = `origin, media_id, kind, user_id, content_hash, size, content_type, file_name, created_ts, accessed_ts,
  expires_ts, quarantined_ts`

/** What `mediaRow` is made of. */
export const MEDIA_COLUMNS = `${COLUMNS}, quarantined_by, is_protected`

export const mediaRow = (row: Row): MediaRow => ({
  origin: row['origin'] as string,
  mediaId: row['media_id'] as string,
  kind: row['kind'] as MediaKind,
  userId: (row['user_id'] as string | null) ?? undefined,
  hash: (row['content_hash'] as string | null) ?? undefined,
  size: row['size'] as number,
  contentType: row['content_type'] as string,
  fileName: (row['file_name'] as string | null) ?? undefined,
  createdTs: row['created_ts'] as number,
  accessedTs: row['accessed_ts'] as number,
  expiresTs: (row['expires_ts'] as number | null) ?? undefined,
  quarantinedTs: (row['quarantined_ts'] as number | null) ?? undefined,
  quarantinedBy: (row['quarantined_by'] as string | null) ?? undefined,
  isProtected: row['is_protected'] !== 0,
})

/** Reads what is known about files. */
export class MediaReader {
  readonly #db: Reader
  readonly #one: Prepared
  readonly #countOfContent: Prepared
  readonly #usage: Prepared
  readonly #newest: Prepared
  readonly #newestOf: Prepared

  constructor(db: Reader) {
    this.#db = db
    const newest = (where: string) =>
      `SELECT ${MEDIA_COLUMNS} FROM media WHERE content_hash IS NOT NULL${where} ORDER BY created_ts DESC, media_id LIMIT ?`
    this.#newest = db.prepare(newest(''))
    this.#newestOf = db.prepare(newest(' AND user_id = ?'))
    this.#one = db.prepare(`SELECT ${MEDIA_COLUMNS} FROM media WHERE origin = ? AND media_id = ?`)
    this.#countOfContent = db.prepare(
      'SELECT COUNT(*) AS files FROM media WHERE content_hash = ? AND is_protected <= ?',
    )
    this.#usage = db.prepare('SELECT bytes, files FROM media_usage WHERE user_id = ?')
  }

  /** One file, with or without content. */
  async one(origin: string, mediaId: string): Promise<MediaRow | undefined> {
    const row = await this.#db.get(this.#one, [origin, mediaId])
    return row && mediaRow(row)
  }

  /** How many files have the same content. */
  async countOfContent(hash: string, { withProtected }: { withProtected: boolean }): Promise<number> {
    const parameters = [hash, withProtected ? 1 : 0]
    const row = await this.#db.get<{ files: number }>(this.#countOfContent, parameters)
    return Number(row?.files ?? 0)
  }

  /** The newest files with content, of a user or of everybody. Reads the whole table in the second case. */
  async newest(userId: string | undefined, limit: number): Promise<MediaRow[]> {
    const parameters = userId === undefined ? [limit] : [userId, limit]
    return (await this.#db.scan(userId === undefined ? this.#newest : this.#newestOf, parameters)).map(
      mediaRow,
    )
  }

  /** What a user has uploaded and not lost since. */
  async usage(userId: string): Promise<{ bytes: number; files: number }> {
    return (await this.#db.get(this.#usage, [userId])) ?? { bytes: 0, files: 0 }
  }
}

/** Guards of the statements below. */
export const QUOTA = 'media-quota'
export const PENDING = 'media-pending'
export const EXPECTED = 'media-expected'

/** Builds the statements that store files. */
export class MediaWriter {
  readonly #insert: Prepared
  readonly #reserve: Prepared
  readonly #fill: Prepared
  readonly #putRemote: Prepared
  readonly #charge: Prepared
  readonly #used: Prepared
  readonly #accessed: Prepared
  readonly #discard: Prepared
  readonly #hide: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO media (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)`,
    )
    this.#reserve = db.prepare(
      `INSERT INTO media (${COLUMNS})
       SELECT ?, ?, 'upload', ?, NULL, 0, '', NULL, CAST(? AS ${bigint(db)}), CAST(? AS ${bigint(db)}),
         CAST(? AS ${bigint(db)}), NULL
       WHERE (SELECT COUNT(*) FROM media WHERE user_id = ? AND content_hash IS NULL AND expires_ts > ?) < ?`,
    )
    this.#fill = db.prepare(
      `UPDATE media SET content_hash = ?, size = ?, content_type = ?, file_name = ?, created_ts = ?, accessed_ts = ?,
         expires_ts = NULL
       WHERE origin = ? AND media_id = ? AND user_id = ? AND content_hash IS NULL AND expires_ts > ?`,
    )
    this.#putRemote = db.prepare(
      `INSERT INTO media (${COLUMNS}) VALUES (?, ?, 'remote', NULL, ?, ?, ?, ?, ?, ?, NULL, NULL)
       ON CONFLICT (origin, media_id) DO UPDATE SET content_hash = excluded.content_hash, size = excluded.size,
         content_type = excluded.content_type, file_name = excluded.file_name, created_ts = excluded.created_ts,
         accessed_ts = excluded.accessed_ts
       WHERE media.kind = 'remote'`,
    )
    this.#charge = db.prepare(
      `INSERT INTO media_usage (user_id, bytes, files) VALUES (?, ?, 1)
       ON CONFLICT (user_id) DO UPDATE SET bytes = media_usage.bytes + excluded.bytes, files = media_usage.files + 1
       WHERE media_usage.bytes + excluded.bytes <= ?`,
    )
    this.#used = db.prepare('DELETE FROM media_garbage WHERE content_hash = ?')
    this.#discard = db.prepare(
      `INSERT INTO media_garbage (content_hash, since_ts) VALUES (?, ?)
       ON CONFLICT (content_hash) DO UPDATE SET since_ts = excluded.since_ts`,
    )
    this.#hide = db.prepare(
      `UPDATE media SET quarantined_ts = ?, quarantined_by = (
         SELECT o.quarantined_by FROM media o WHERE o.content_hash = ? AND o.quarantined_ts IS NOT NULL LIMIT 1)
       WHERE origin = ? AND media_id = ? AND quarantined_ts IS NULL AND EXISTS (
         SELECT 1 FROM media o WHERE o.content_hash = ? AND o.quarantined_ts IS NOT NULL)`,
    )
    this.#accessed = db.prepare('UPDATE media SET accessed_ts = ? WHERE origin = ? AND media_id = ?')
  }

  /** A file of this server that has its content from the start. */
  insert(file: NewMedia, kind: 'upload' | 'preview', userId: string | undefined): WriteStatement[] {
    const { origin, mediaId, hash, size, contentType, fileName = null, now } = file
    const row = [origin, mediaId, kind, userId ?? null, hash, size, contentType, fileName, now, now]
    return [{ prepared: this.#insert, rows: [row] }, ...this.#stored(file)]
  }

  /** A name for a file that is yet to come. Guard `PENDING`: the user has `limit` such names that have not expired. */
  reserve(row: {
    origin: string
    mediaId: string
    userId: string
    now: number
    expiresTs: number
    limit: number
  }): WriteStatement {
    const { origin, mediaId, userId, now, expiresTs, limit } = row
    return {
      prepared: this.#reserve,
      rows: [[origin, mediaId, userId, now, now, expiresTs, userId, now, limit]],
      guard: { name: PENDING, expected: 1 },
    }
  }

  /** Content for a reserved name. Guard `EXPECTED`: not this user's, filled already, or expired. */
  fill(file: NewMedia, userId: string): WriteStatement[] {
    const { origin, mediaId, hash, size, contentType, fileName = null, now } = file
    return [
      {
        prepared: this.#fill,
        rows: [[hash, size, contentType, fileName, now, now, origin, mediaId, userId, now]],
        guard: { name: EXPECTED, expected: 1 },
      },
      ...this.#stored(file),
    ]
  }

  /** A copy of another server's file. What is known of it otherwise, as a quarantine, stays. */
  putRemote(file: NewMedia): WriteStatement[] {
    const { origin, mediaId, hash, size, contentType, fileName = null, now } = file
    return [
      {
        prepared: this.#putRemote,
        rows: [[origin, mediaId, hash, size, contentType, fileName, now, now]],
      },
      ...this.#stored(file),
    ]
  }

  /** Counts an upload. Guard `QUOTA`: the user would have more than `quota` bytes. A first upload has to fit by itself. */
  charge(userId: string, size: number, quota: number): WriteStatement {
    return {
      prepared: this.#charge,
      rows: [[userId, size, quota]],
      guard: { name: QUOTA, expected: 1 },
    }
  }

  accessed(origin: string, mediaId: string, now: number): WriteStatement {
    return { prepared: this.#accessed, rows: [[now, origin, mediaId]] }
  }

  /** Content that nothing may refer to any more. */
  discard(hashes: readonly string[], now: number): WriteStatement {
    return { prepared: this.#discard, rows: hashes.map(hash => [hash, now]) }
  }

  /** Content that is in use; what others of the same content are hidden for, hides this one, too. */
  #stored({ hash, origin, mediaId, now }: NewMedia): WriteStatement[] {
    return [
      { prepared: this.#used, rows: [[hash]] },
      { prepared: this.#hide, rows: [[now, hash, origin, mediaId, hash]] },
    ]
  }
}

/** PostgreSQL takes what is selected from placeholders for text. */
const bigint = (db: Reader): string => (db.dialect.name === 'postgres' ? 'bigint' : 'integer')
