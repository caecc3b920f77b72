/** Databases with rows of every sort, for copies and backups of them. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import Sqlite from 'better-sqlite3'
import { copyRows } from '../storage/dump/copy.ts'
import { type RowSource, RowSum, type RowTarget, type TableSum } from '../storage/dump/row-stream.ts'
import { sqliteTables } from '../storage/dump/sqlite-source.ts'
import { sqliteTemplate } from './templates.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const ODD = ['', "it's", '"quoted"', 'ünï€😀', 'a\nb\tc\\', '\u0001', '[1,2]', '{"a":null}']

/** A database of the current version of the schema with rows of every sort in every table. */
export const filled = async (path: string, rowsOf: RowsOf = () => 9): Promise<void> => {
  copyFileSync(await sqliteTemplate(), path)
  fill(path, rowsOf)
}

/** How many rows a table is to have. */
export type RowsOf = (table: string) => number

/** Puts rows of every sort in every table, in place of those that are there: three have something missing in every column. */
export const fill = (path: string, rowsOf: RowsOf): void => {
  const database = new Sqlite(path)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = OFF')
  database.exec('BEGIN')
  for (const table of sqliteTables(database)) {
    database.exec(`DELETE FROM "${table.name}"`)
    const info = database
      .prepare<[string], { name: string; notnull: number; pk: number }>('SELECT * FROM pragma_table_info(?)')
      .all(table.name)
    const required = new Set(
      info.filter(({ notnull, pk }) => notnull === 1 || pk > 0).map(({ name }) => name),
    )
    const insert = database.prepare(
      `INSERT INTO "${table.name}" (${table.columns.map(name => `"${name}"`).join()}) VALUES (${table.columns.map(() => '?').join()})`,
    )
    for (let row = 0; row < rowsOf(table.name); row++) {
      const values = table.columns.map((name, column) => {
        if (!required.has(name) && (row + column) % 3 === 0) return null
        if (table.isText[column]) return `${row}.${column}${ODD[(row + column) % ODD.length]}`
        return (row % 2 === 0 ? 1 : -1) * (Number.MAX_SAFE_INTEGER - row * 100 - column)
      })
      insert.run(...values)
    }
  }
  database.exec('COMMIT')
  database.close()
}

/** The sums of all tables of a source, which is closed. */
export const sumsOf = async (source: RowSource): Promise<Record<string, TableSum>> => {
  const sums: Record<string, TableSum> = {}
  for (const table of await source.tables()) {
    const sum = new RowSum()
    for await (const rows of source.rows(table, { rows: 0, lastKey: undefined }))
      for (const row of rows) sum.add(row)
    sums[table.name] = sum.value
  }
  await source.close()
  return sums
}

/** Names of files in a directory that is removed after the test. */
export const files = (t: ExecutionContext) => {
  const directory = temporaryDirectory(t)
  return (name: string): string => join(directory, name)
}

/** Copies all rows, and closes both. */
export const copy = async (source: RowSource, target: RowTarget): Promise<void> => {
  await copyRows(source, target)
  await target.finish()
  await target.close()
  await source.close()
}
