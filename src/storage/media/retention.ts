import type { Mxc } from '../../core/media.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A file that may be deleted. */
export interface Expendable {
  readonly origin: string
  readonly mediaId: string
  readonly userId: string | null
  readonly hash: string
  readonly size: number
  readonly createdTs: number
}

/** A copy of another server's file, or the picture of a link. */
export interface Copy extends Expendable {
  readonly accessedTs: number
}

/** What files of one kind come to. */
export interface KindUsage {
  readonly kind: string
  readonly files: number
  readonly bytes: number
}

const EXPENDABLE =
  'origin, media_id AS "mediaId", user_id AS "userId", content_hash AS hash, size, created_ts AS "createdTs"'

/** Finds what may go, and deletes it. What is quarantined stays known, so that it does not come back. */
export class MediaRetention {
  readonly #db: Reader
  readonly #copies: Prepared
  readonly #uploads: Prepared
  readonly #usage: Prepared
  readonly #avatars: Prepared
  readonly #summaries: Prepared
  readonly #garbage: Prepared
  readonly #expirePending: Prepared
  readonly #delete: Prepared
  readonly #forgetReferences: Prepared
  readonly #refund: Prepared
  readonly #discard: Prepared
  readonly #discardThumbnails: Prepared
  readonly #deleteThumbnails: Prepared
  readonly #collected: Prepared
  readonly #quarantine: Prepared
  readonly #quarantineContent: Prepared
  readonly #releaseContent: Prepared
  readonly #release: Prepared

  constructor(db: Reader) {
    const bigint = db.dialect.name === 'postgres' ? 'bigint' : 'integer'
    this.#db = db
    this.#copies = db.prepare(
      `SELECT ${EXPENDABLE}, accessed_ts AS "accessedTs" FROM media
       WHERE kind IN ('remote', 'preview') AND content_hash IS NOT NULL AND quarantined_ts IS NULL
         AND accessed_ts < ? AND accessed_ts >= ? AND (accessed_ts, origin, media_id) > (?, ?, ?)
       ORDER BY accessed_ts, origin, media_id LIMIT ?`,
    )
    this.#uploads = db.prepare(
      `SELECT ${EXPENDABLE} FROM media WHERE kind = 'upload' AND content_hash IS NOT NULL
         AND quarantined_ts IS NULL AND is_protected = 0 AND created_ts < ? AND created_ts >= ?
         AND (created_ts, media_id) > (?, ?) ORDER BY created_ts, media_id LIMIT ?`,
    )
    this.#usage = db.prepare(
      `SELECT kind, CAST(COUNT(*) AS ${bigint}) AS files, CAST(COALESCE(SUM(size), 0) AS ${bigint}) AS bytes
       FROM media WHERE content_hash IS NOT NULL GROUP BY kind ORDER BY kind`,
    )
    this.#avatars = db.prepare('SELECT avatar_url AS url FROM profiles WHERE avatar_url IS NOT NULL')
    this.#summaries = db.prepare('SELECT summary FROM room_summaries')
    this.#garbage = db.prepare(
      `SELECT content_hash AS hash, CASE WHEN
           EXISTS (SELECT 1 FROM media m WHERE m.content_hash = g.content_hash)
           OR EXISTS (SELECT 1 FROM media_thumbnails t
             WHERE t.thumbnail_hash = g.content_hash AND t.content_hash <> g.content_hash)
         THEN 1 ELSE 0 END AS used
       FROM media_garbage g WHERE since_ts < ? ORDER BY since_ts LIMIT ?`,
    )
    this.#expirePending = db.prepare(
      'DELETE FROM media WHERE content_hash IS NULL AND quarantined_ts IS NULL AND expires_ts <= ?',
    )
    this.#delete = db.prepare('DELETE FROM media WHERE origin = ? AND media_id = ? AND content_hash = ?')
    this.#forgetReferences = db.prepare('DELETE FROM media_references WHERE origin = ? AND media_id = ?')
    this.#refund = db.prepare('UPDATE media_usage SET bytes = bytes - ?, files = files - 1 WHERE user_id = ?')
    this.#discard = db.prepare(
      `INSERT INTO media_garbage (content_hash, since_ts) VALUES (?, ?)
       ON CONFLICT (content_hash) DO UPDATE SET since_ts = excluded.since_ts`,
    )
    this.#discardThumbnails = db.prepare(
      `INSERT INTO media_garbage (content_hash, since_ts)
       SELECT DISTINCT thumbnail_hash, CAST(? AS ${bigint}) FROM media_thumbnails
       WHERE content_hash = ? AND thumbnail_hash <> content_hash
       ON CONFLICT (content_hash) DO UPDATE SET since_ts = excluded.since_ts`,
    )
    this.#deleteThumbnails = db.prepare('DELETE FROM media_thumbnails WHERE content_hash = ?')
    this.#collected = db.prepare('DELETE FROM media_garbage WHERE content_hash = ?')
    this.#quarantine = db.prepare(
      `INSERT INTO media (origin, media_id, kind, size, content_type, created_ts, accessed_ts, quarantined_ts, quarantined_by)
       VALUES (?, ?, ?, 0, '', ?, ?, ?, ?)
       ON CONFLICT (origin, media_id) DO UPDATE SET quarantined_ts = excluded.quarantined_ts,
         quarantined_by = excluded.quarantined_by`,
    )
    this.#release = db.prepare(
      'UPDATE media SET quarantined_ts = NULL, quarantined_by = NULL WHERE origin = ? AND media_id = ?',
    )
    this.#quarantineContent = db.prepare(
      'UPDATE media SET quarantined_ts = ?, quarantined_by = ? WHERE content_hash = ? AND is_protected = 0',
    )
    this.#releaseContent = db.prepare(
      'UPDATE media SET quarantined_ts = NULL, quarantined_by = NULL WHERE content_hash = ?',
    )
  }

  /**
   * Copies of others' files, and pictures of links, that nobody has asked for since an instant, after one of them; the longest
   * first.
   */
  copies(accessedBefore: number, after: Copy | undefined, limit: number): Promise<Copy[]> {
    const { accessedTs = 0, origin = '', mediaId = '' } = after ?? {}
    const parameters = [accessedBefore, accessedTs, accessedTs, origin, mediaId, limit]
    return this.#db.scan<Copy>(this.#copies, parameters)
  }

  /** Files of users here that were stored before an instant, after one of them; the oldest first. */
  uploads(createdBefore: number, after: Expendable | undefined, limit: number): Promise<Expendable[]> {
    const { createdTs = 0, mediaId = '' } = after ?? {}
    return this.#db.scan<Expendable>(this.#uploads, [createdBefore, createdTs, createdTs, mediaId, limit])
  }

  usage(): Promise<KindUsage[]> {
    return this.#db.scan<KindUsage>(this.#usage)
  }

  /** The `mxc://` URIs that users and rooms show. Reads both tables. */
  async avatars(): Promise<Set<string>> {
    const users = await this.#db.scan<{ url: string }>(this.#avatars)
    const rooms = await this.#db.scan<{ summary: string }>(this.#summaries)
    const urls = rooms.map(({ summary }) => (JSON.parse(summary) as { avatar_url?: unknown }).avatar_url)
    return new Set([...users.map(({ url }) => url), ...urls.filter(url => typeof url === 'string')])
  }

  /** Content that was given up before an instant, and whether something refers to it again. */
  async garbage(before: number, limit: number): Promise<{ hash: string; used: boolean }[]> {
    const rows = await this.#db.scan<{ hash: string; used: number }>(this.#garbage, [before, limit])
    return rows.map(({ hash, used }) => ({ hash, used: used === 1 }))
  }

  /** Names for which no content came in time. */
  expirePending(now: number): WriteStatement {
    return { prepared: this.#expirePending, rows: [[now]] }
  }

  /**
   * Deletes one file; its content goes later, if nothing else is made of it. What names an upload is forgotten with it; a copy of another
   * server's file may be fetched again. Guard `media-changed`.
   */
  delete({ origin, mediaId, userId, hash, size }: Expendable, now: number): WriteStatement[] {
    return [
      {
        prepared: this.#delete,
        rows: [[origin, mediaId, hash]],
        guard: { name: 'media-changed', expected: 1 },
      },
      ...(userId === null
        ? []
        : [
            { prepared: this.#refund, rows: [[size, userId]] },
            { prepared: this.#forgetReferences, rows: [[origin, mediaId]] },
          ]),
      { prepared: this.#discard, rows: [[hash, now]] },
    ]
  }

  /** Gives up the thumbnails of content that is about to go. */
  forgetThumbnails(hash: string, now: number): WriteStatement[] {
    return [
      { prepared: this.#discardThumbnails, rows: [[now, hash]] },
      { prepared: this.#deleteThumbnails, rows: [[hash]] },
    ]
  }

  /** Content that is gone, or in use again. */
  collected(hash: string): WriteStatement {
    return { prepared: this.#collected, rows: [[hash]] }
  }

  /** Hides files, by name such as have not been fetched yet, and all others, but for protected ones, by their content. `by`: the user ID of an administrator, where there is one. */
  quarantine(
    {
      names,
      hashes,
    }: {
      readonly names: readonly (Mxc & { readonly kind: 'upload' | 'remote' })[]
      readonly hashes: readonly string[]
    },
    by: string | undefined,
    now: number,
  ): WriteStatement[] {
    const rows = names.map(({ origin, mediaId, kind }) => [origin, mediaId, kind, now, now, now, by ?? null])
    return [
      { prepared: this.#quarantine, rows },
      { prepared: this.#quarantineContent, rows: hashes.map(hash => [now, by ?? null, hash]) },
    ]
  }

  /** Shows files again. */
  release({
    names,
    hashes,
  }: {
    readonly names: readonly Mxc[]
    readonly hashes: readonly string[]
  }): WriteStatement[] {
    return [
      { prepared: this.#release, rows: names.map(({ origin, mediaId }) => [origin, mediaId]) },
      { prepared: this.#releaseContent, rows: hashes.map(hash => [hash]) },
    ]
  }
}
