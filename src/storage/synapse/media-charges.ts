import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** Counts imported files as what their uploaders have. */
export class MediaCharges {
  readonly #charge: Prepared

  constructor(db: Reader) {
    this.#charge = db.prepare(
      `INSERT INTO media_usage (user_id, bytes, files) VALUES (?, ?, 1)
       ON CONFLICT (user_id) DO UPDATE SET bytes = media_usage.bytes + excluded.bytes, files = media_usage.files + 1`,
    )
  }

  of(files: readonly { readonly user_id: string | null; readonly size: number }[]): WriteStatement {
    return { prepared: this.#charge, rows: files.map(({ user_id, size }) => [user_id, size]) }
  }
}
