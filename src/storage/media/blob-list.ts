import type { Prepared, Reader } from '../database.ts'

/** Lists the content that something refers to. */
export class BlobList {
  readonly #db: Reader
  readonly #page: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#page = db.prepare(
      `SELECT hash FROM (
         SELECT content_hash AS hash FROM media WHERE content_hash > ?
         UNION SELECT thumbnail_hash FROM media_thumbnails WHERE thumbnail_hash > ?) each
       ORDER BY hash LIMIT ?`,
    )
  }

  /** Hashes after one, in order. */
  async after(hash: string, limit: number): Promise<string[]> {
    return (await this.#db.scan<{ hash: string }>(this.#page, [hash, hash, limit])).map(row => row.hash)
  }
}
