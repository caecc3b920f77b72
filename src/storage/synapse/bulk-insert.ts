import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'

/** Inserts rows into a table of ours as they are; those whose key is taken are left as they are. */
export class BulkInsert {
  readonly #prepared: Prepared
  readonly #columns: readonly string[]

  constructor(db: Reader, table: string, columns: readonly string[]) {
    this.#columns = columns
    this.#prepared = db.prepare(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`,
    )
  }

  /** Each row names its columns; those that it leaves out are NULL. */
  rows(rows: readonly Readonly<Record<string, SqlParameter>>[]): WriteStatement {
    return {
      prepared: this.#prepared,
      rows: rows.map(row => this.#columns.map(column => row[column] ?? null)),
    }
  }
}
