import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A thumbnail, which is stored like a file of its own. */
export interface StoredThumbnail {
  readonly hash: string
  readonly size: number
  readonly contentType: string
}

/** Reads and writes which thumbnails there are, by the content they are made of and how. */
export class Thumbnails {
  readonly #db: Reader
  readonly #find: Prepared
  readonly #insert: Prepared
  readonly #used: Prepared
  readonly #drop: Prepared
  readonly #forget: Prepared
  readonly #forgetOne: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#find = db.prepare(
      `SELECT thumbnail_hash AS hash, size, content_type AS "contentType" FROM media_thumbnails
       WHERE content_hash = ? AND spec = ?`,
    )
    this.#insert = db.prepare(
      `INSERT INTO media_thumbnails (content_hash, spec, thumbnail_hash, size, content_type, created_ts)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (content_hash, spec) DO NOTHING`,
    )
    this.#used = db.prepare('DELETE FROM media_garbage WHERE content_hash = ?')
    const oldest = `content_hash = ? AND created_ts <
      (SELECT created_ts FROM media_thumbnails WHERE content_hash = ? ORDER BY created_ts DESC LIMIT 1 OFFSET ?)`
    this.#drop = db.prepare(
      `INSERT INTO media_garbage (content_hash, since_ts)
       SELECT DISTINCT thumbnail_hash, CAST(? AS ${db.dialect.name === 'postgres' ? 'bigint' : 'integer'})
       FROM media_thumbnails WHERE ${oldest}
       ON CONFLICT (content_hash) DO UPDATE SET since_ts = excluded.since_ts`,
    )
    this.#forgetOne = db.prepare('DELETE FROM media_thumbnails WHERE content_hash = ? AND spec = ?')
    this.#forget = db.prepare(`DELETE FROM media_thumbnails WHERE ${oldest}`)
  }

  find(contentHash: string, spec: string): Promise<StoredThumbnail | undefined> {
    return this.#db.get<StoredThumbnail>(this.#find, [contentHash, spec])
  }

  /** One that is lost: it is made again when it is asked for. */
  forget(contentHash: string, spec: string): WriteStatement {
    return { prepared: this.#forgetOne, rows: [[contentHash, spec]] }
  }

  /** Of one picture the oldest beyond `keep` go: sizes are for whoever asks to choose. */
  insert(
    contentHash: string,
    spec: string,
    made: StoredThumbnail,
    now: number,
    keep: number,
  ): WriteStatement[] {
    const { hash, size, contentType } = made
    const oldest = [contentHash, contentHash, keep - 1]
    return [
      { prepared: this.#insert, rows: [[contentHash, spec, hash, size, contentType, now]] },
      { prepared: this.#used, rows: [[hash]] },
      { prepared: this.#drop, rows: [[now, ...oldest]] },
      { prepared: this.#forget, rows: [oldest] },
    ]
  }
}
