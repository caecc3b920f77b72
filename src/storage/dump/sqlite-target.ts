import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import Sqlite from 'better-sqlite3'
import { errorOf } from '../dialect/sqlite-connection.ts'
import { migrate } from '../migrate.ts'
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
} from './row-stream.ts'
import { sqliteRows, sqliteTables } from './sqlite-source.ts'

/** An SQLite database that is being filled. The file is made, readable for its owner alone. */
export const openSqliteTarget = (path: string): RowTarget => {
  const file = resolve(path)
  mkdirSync(dirname(file), { recursive: true })
  closeSync(openSync(file, 'a', 0o600))
  try {
    return new SqliteTarget(file)
  } catch (cause) {
    throw new DumpError(`${file} cannot be used: ${errorOf(cause).message}`, { cause })
  }
}

class SqliteTarget implements RowTarget {
  readonly #file: string
  readonly #database: Sqlite.Database

  constructor(file: string) {
    this.#file = file
    this.#database = new Sqlite(file, { timeout: 10_000 })
    this.#database.pragma('journal_mode = WAL')
    this.#database.pragma('synchronous = NORMAL')
  }

  async prepare(schemaVersion: number, fingerprint: string): Promise<void> {
    const has = (table: string): boolean =>
      this.#database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table) !== undefined
    if (has(PROGRESS_TABLE)) {
      if (this.#progress(SOURCE_ROW)?.checksum === sourceSum(schemaVersion, fingerprint)) return
      throw new DumpError(`${this.#file} was being filled from other data: remove it and begin again`)
    }
    if (has('schema_info'))
      throw new DumpError(
        `${this.#file} holds a database already: move that away, or name a file that is not there`,
      )
    const config = { client: 'better-sqlite3', connection: { filename: this.#file }, useNullAsDefault: true }
    await migrate(config, undefined, schemaVersion)
    this.#database.exec(CREATE_PROGRESS)
    for (const { name } of sqliteTables(this.#database)) this.#database.exec(`DELETE FROM "${name}"`)
    const source = {
      rows: 0,
      checksum: sourceSum(schemaVersion, fingerprint),
      lastKey: undefined,
      isDone: false,
    }
    this.#note(SOURCE_ROW, source)
  }

  async tables(): Promise<readonly TableShape[]> {
    return sqliteTables(this.#database)
  }

  async progress(table: TableShape): Promise<Progress | undefined> {
    return this.#progress(table.name)
  }

  async insert(table: TableShape, rows: readonly RowValues[], progress: Progress): Promise<void> {
    const marks = table.columns.map(() => '?').join(', ')
    const insert = this.#database.prepare(
      `INSERT INTO "${table.name}" (${names(table.columns)}) VALUES (${marks})`,
    )
    this.#database.transaction(() => {
      for (const row of rows) insert.run(...row)
      this.#note(table.name, progress)
    })()
  }

  async sum(table: TableShape): Promise<ReturnType<() => RowSum['value']>> {
    const sum = new RowSum()
    for (const rows of sqliteRows(this.#database, table, undefined)) for (const row of rows) sum.add(row)
    return sum.value
  }

  async isComplete(): Promise<boolean> {
    return this.#progress(SOURCE_ROW)?.isDone === true
  }

  async complete(): Promise<void> {
    this.#database.prepare(`UPDATE ${PROGRESS_TABLE} SET is_done = 1 WHERE table_name = ?`).run(SOURCE_ROW)
  }

  async finish(): Promise<void> {
    this.#database.exec(`DROP TABLE ${PROGRESS_TABLE}`)
    this.#database.pragma('wal_checkpoint(TRUNCATE)')
  }

  async close(): Promise<void> {
    this.#database.close()
  }

  #progress(name: string): Progress | undefined {
    const row = this.#database
      .prepare<[string], ProgressRow>(`SELECT * FROM ${PROGRESS_TABLE} WHERE table_name = ?`)
      .get(name)
    return row && progressOf(row)
  }

  #note(name: string, progress: Progress): void {
    this.#database
      .prepare(`INSERT OR REPLACE INTO ${PROGRESS_TABLE} VALUES (?, ?, ?, ?, ?)`)
      .run(...progressValues(name, progress))
  }
}

/** Says of which data a target is. */
export const sourceSum = (schemaVersion: number, fingerprint: string): string =>
  `${schemaVersion} ${fingerprint}`
