import type pg from 'pg'
import type { SqlValue } from '../database.ts'
import { hasTable, whereAllowed } from '../dialect/postgres-questions.ts'
import { migrate } from '../migrate.ts'
import { connectPostgres, postgresRows, postgresTables } from './postgres-source.ts'
import {
  CREATE_PROGRESS,
  DumpError,
  names,
  PROGRESS_TABLE,
  type Progress,
  type ProgressRow,
  progressOf,
  progressValues,
  RowSum,
  type RowTarget,
  type RowValues,
  SOURCE_ROW,
  type TableShape,
  type TableSum,
} from './row-stream.ts'
import { sourceSum } from './sqlite-target.ts'

/** A PostgreSQL database that is being filled. It has to be there, and empty. */
export const openPostgresTarget = async (url: string): Promise<RowTarget> =>
  new PostgresTarget(await connectPostgres(url), url)

class PostgresTarget implements RowTarget {
  readonly #client: pg.Client
  readonly #url: string

  constructor(client: pg.Client, url: string) {
    this.#client = client
    this.#url = url
  }

  async prepare(schemaVersion: number, fingerprint: string): Promise<void> {
    if (await hasTable(this.#client, PROGRESS_TABLE)) {
      if ((await this.#progress(SOURCE_ROW))?.checksum === sourceSum(schemaVersion, fingerprint)) return
      throw new DumpError(
        'the PostgreSQL database was being filled from other data: make an empty one and begin again',
      )
    }
    if (await hasTable(this.#client, 'schema_info')) {
      throw new DumpError('the PostgreSQL database holds data already: make an empty one')
    }
    const config = { client: 'pg', connection: this.#url }
    await whereAllowed(this.#client, () => migrate(config, undefined, schemaVersion))
    await this.#client.query(CREATE_PROGRESS)
    for (const { name } of await this.tables()) await this.#client.query(`DELETE FROM "${name}"`)
    const source = {
      rows: 0,
      checksum: sourceSum(schemaVersion, fingerprint),
      lastKey: undefined,
      isDone: false,
    }
    await this.#note(SOURCE_ROW, source)
  }

  tables(): Promise<readonly TableShape[]> {
    return postgresTables(this.#client)
  }

  progress(table: TableShape): Promise<Progress | undefined> {
    return this.#progress(table.name)
  }

  async insert(table: TableShape, rows: readonly RowValues[], progress: Progress): Promise<void> {
    const lists = table.columns.map((_, column) => rows.map(row => row[column] ?? null))
    const arrays = table.isText.map((isText, index) => `$${index + 1}::${isText ? 'text' : 'bigint'}[]`)
    await this.#client.query('BEGIN')
    try {
      if (rows.length > 0) {
        const text = `INSERT INTO "${table.name}" (${names(table.columns)}) SELECT * FROM unnest(${arrays.join(', ')})`
        await this.#client.query(text, lists)
      }
      await this.#note(table.name, progress)
      await this.#client.query('COMMIT')
    } catch (error) {
      await this.#client.query('ROLLBACK')
      throw error
    }
  }

  async sum(table: TableShape): Promise<TableSum> {
    const sum = new RowSum()
    for await (const rows of postgresRows(this.#client, table, undefined))
      for (const row of rows) sum.add(row)
    return sum.value
  }

  async isComplete(): Promise<boolean> {
    return (await this.#progress(SOURCE_ROW))?.isDone === true
  }

  async complete(): Promise<void> {
    await this.#client.query('ANALYZE')
    await this.#client.query(`UPDATE ${PROGRESS_TABLE} SET is_done = 1 WHERE table_name = $1`, [SOURCE_ROW])
  }

  async finish(): Promise<void> {
    await this.#client.query(`DROP TABLE ${PROGRESS_TABLE}`)
  }

  close(): Promise<void> {
    return this.#client.end()
  }

  async #progress(name: string): Promise<Progress | undefined> {
    const { rows } = await this.#client.query<ProgressRow>(
      `SELECT row_count, checksum, last_key, is_done FROM ${PROGRESS_TABLE} WHERE table_name = $1`,
      [name],
    )
    return rows[0] && progressOf(rows[0])
  }

  async #note(name: string, progress: Progress): Promise<void> {
    await this.#client.query(
      `INSERT INTO ${PROGRESS_TABLE} VALUES ($1, $2, $3, $4, $5) ON CONFLICT (table_name) DO UPDATE SET
         row_count = excluded.row_count, checksum = excluded.checksum, last_key = excluded.last_key,
         is_done = excluded.is_done`,
      progressValues(name, progress) as SqlValue[],
    )
  }
}
