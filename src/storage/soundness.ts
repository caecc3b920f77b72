import { statSync } from 'node:fs'
import type SqliteDatabase from 'better-sqlite3'
import type { Client } from 'pg'
import { migrations, SCHEMA_VERSION } from '../../migrations/index.ts'
import { loadKnex } from './knex.ts'
import { READ_SCHEMA_INFO, type SchemaInfo } from './migrate.ts'

/** What a schema has, by names: tables with their columns, and indexes. */
interface Shape {
  readonly columns: ReadonlyMap<string, ReadonlySet<string>>
  readonly indexes: ReadonlySet<string>
}

interface Named {
  readonly name: string
}

/** More is not read through on the way of something else: bytes. */
export const MOST_READ_THROUGH = 2 ** 30

/** One row for each column, and one without for a table of words, which is kept in other ways on PostgreSQL. */
const SQLITE_COLUMNS = `SELECT t.name AS "table", c.name AS name FROM pragma_table_list t
  LEFT JOIN pragma_table_info(t.name) c ON t.type = 'table'
  WHERE t.schema = 'main' AND t.type IN ('table', 'virtual') AND substr(t.name, 1, 7) <> 'sqlite_'`

/** Those that statements have made; others belong to the keys of tables. */
const SQLITE_INDEXES = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"

const POSTGRES_COLUMNS =
  'SELECT table_name AS "table", column_name AS name FROM information_schema.columns WHERE table_schema = current_schema()'

const POSTGRES_INDEXES = 'SELECT indexname AS name FROM pg_indexes WHERE schemaname = current_schema()'

/**
 * What is broken in the file of an SQLite database, and what the schema lacks: one entry for each, none where all is well. Files larger
 * than `MOST_READ_THROUGH` are not looked at for damage, and schemas of later programs not for what they lack.
 */
export const unsoundInSqlite = async (path: string, file: SqliteDatabase.Database): Promise<string[]> => {
  const damage = statSync(path).size <= MOST_READ_THROUGH ? damageOf(file) : undefined
  // What else would be said of a damaged file is of no use.
  if (damage !== undefined) return [`it is damaged: ${damage}`]
  if (isLater(file.prepare<[], SchemaInfo>(READ_SCHEMA_INFO).get())) return []
  return missing(
    shapeOf(file.prepare<[], Column>(SQLITE_COLUMNS).all(), file.prepare<[], Named>(SQLITE_INDEXES).all()),
  )
}

const damageOf = (file: SqliteDatabase.Database): string | undefined => {
  try {
    const verdict = String(file.pragma('quick_check(1)', { simple: true }))
    return verdict === 'ok' ? undefined : verdict.replaceAll(/\s+/g, ' ').trim()
  } catch (error) {
    // Some damage keeps it from looking any further.
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_CORRUPT'))
      return error.message
    throw error
  }
}

/** What the schema of a PostgreSQL database lacks, unless it is that of a later program. */
export const unsoundInPostgres = async (client: Client): Promise<string[]> => {
  if (isLater((await client.query(READ_SCHEMA_INFO)).rows[0])) return []
  const columns = await client.query(POSTGRES_COLUMNS)
  const indexes = await client.query(POSTGRES_INDEXES)
  return missing(shapeOf(columns.rows, indexes.rows))
}

const isLater = (info: SchemaInfo | undefined): boolean =>
  info !== undefined && Number(info.version) > SCHEMA_VERSION

interface Column {
  readonly table: string
  readonly name: string | null
}

const shapeOf = (columns: readonly Column[], indexes: readonly Named[]): Shape => {
  const tables = new Map<string, Set<string>>()
  for (const { table, name } of columns) {
    const known = tables.get(table) ?? new Set()
    if (name !== null) known.add(name)
    tables.set(table, known)
  }
  return { columns: tables, indexes: new Set(indexes.map(({ name }) => name)) }
}

/** What all migrations make of an empty database, which both kinds call the same. */
const expectedShape = async (): Promise<Shape> => {
  const knex = loadKnex()({
    client: 'better-sqlite3',
    connection: { filename: ':memory:' },
    useNullAsDefault: true,
    pool: { min: 1, max: 1 },
  })
  try {
    for (const migration of migrations) await migration.up(knex)
    return shapeOf(await knex.raw(SQLITE_COLUMNS), await knex.raw(SQLITE_INDEXES))
  } finally {
    await knex.destroy()
  }
}

const missing = async (found: Shape): Promise<string[]> => {
  const expected = await expectedShape()
  const lacking: string[] = []
  for (const [table, columns] of expected.columns) {
    const there = found.columns.get(table)
    if (there === undefined) lacking.push(`the table ${table} is missing`)
    else
      for (const column of columns)
        if (!there.has(column)) lacking.push(`the column ${column} of ${table} is missing`)
  }
  for (const index of expected.indexes)
    if (!found.indexes.has(index)) lacking.push(`the index ${index} is missing`)
  return lacking
}
