import { createHash } from 'node:crypto'
import type { JsonObject } from '../../core/json.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** Previews of links that were fetched lately. */
export class PreviewStore {
  readonly #db: Reader
  readonly #find: Prepared
  readonly #put: Prepared
  readonly #expire: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#find = db.prepare('SELECT preview FROM url_previews WHERE url_hash = ? AND expires_ts > ?')
    this.#put = db.prepare(
      `INSERT INTO url_previews (url_hash, preview, fetched_ts, expires_ts) VALUES (?, ?, ?, ?)
       ON CONFLICT (url_hash) DO UPDATE SET preview = excluded.preview, fetched_ts = excluded.fetched_ts,
         expires_ts = excluded.expires_ts`,
    )
    this.#expire = db.prepare('DELETE FROM url_previews WHERE expires_ts <= ?')
  }

  /** What is known of a URL and has not expired. */
  async find(url: string, now: number): Promise<JsonObject | undefined> {
    const row = await this.#db.get<{ preview: string }>(this.#find, [keyOf(url), now])
    return row && (JSON.parse(row.preview) as JsonObject)
  }

  /** Stores a preview; what has expired goes. */
  put(url: string, preview: JsonObject, now: number, expiresTs: number): WriteStatement[] {
    // PostgreSQL's text has no NUL.
    const text = JSON.stringify(preview).replaceAll('\\u0000', '\\ufffd')
    return [
      { prepared: this.#expire, rows: [[now]] },
      { prepared: this.#put, rows: [[keyOf(url), text, now, expiresTs]] },
    ]
  }
}

/** URLs are longer than what an index takes. */
const keyOf = (url: string): string => createHash('sha256').update(url).digest('base64url')
