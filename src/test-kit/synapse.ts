import { join } from 'node:path'
import type { ExecutionContext, TestFn } from 'ava'
import Sqlite from 'better-sqlite3'
import pg from 'pg'
import { runImport } from '../services/synapse-import/run.ts'
import type { ImportStep } from '../services/synapse-import/step.ts'
import type { Database } from '../storage/database.ts'
import type { DatabaseConfig } from '../storage/open.ts'
import { markImport } from '../storage/synapse/mark.ts'
import { openSynapse } from '../storage/synapse/open.ts'
import type { SynapseLocation, SynapseSource } from '../storage/synapse/source.ts'
import { testDatabases } from './database.ts'
import { SYNAPSE_TABLES, type SynapseRows, type SynapseTables, type SynapseValue } from './synapse-tables.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** Rows that every database of Synapse has. */
const ALWAYS: SynapseRows = {
  schema_version: [{ version: 94 }],
  schema_compat_version: [{ compat_version: 84 }],
}

/** Makes a database of Synapse with made-up rows; on PostgreSQL as a schema of its own in an empty database of ours. */
export const makeSynapse = async (
  t: ExecutionContext,
  beside: DatabaseConfig,
  rows: SynapseRows,
  tables: SynapseTables = SYNAPSE_TABLES,
): Promise<SynapseLocation> => {
  const definitions = Object.entries(tables).map(([name, columns]) => `CREATE TABLE ${name} (${columns})`)
  const inserts = Object.entries({ ...ALWAYS, ...rows }).flatMap(([table, ofTable]) =>
    ofTable.map(row => ({ table, columns: Object.keys(row), values: Object.values(row) })),
  )
  if (beside.kind === 'sqlite') {
    const path = join(temporaryDirectory(t), 'synapse.db')
    const database = new Sqlite(path)
    for (const definition of definitions) database.exec(definition)
    for (const { table, columns, values } of inserts)
      database
        .prepare(`INSERT INTO ${table} (${columns.join()}) VALUES (${columns.map(() => '?').join()})`)
        .run(...values.map(asInteger))
    database.close()
    return { kind: 'sqlite', path }
  }
  const url = new URL(beside.url)
  url.searchParams.set('options', '-c search_path=synapse')
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  await client.query('CREATE SCHEMA synapse')
  for (const definition of definitions) await client.query(definition)
  for (const { table, columns, values } of inserts)
    await client.query(
      `INSERT INTO ${table} (${columns.join()}) VALUES (${columns.map((_, index) => `$${index + 1}`).join()})`,
      values.map(value => (value instanceof Uint8Array ? Buffer.from(value) : value)),
    )
  await client.end()
  return { kind: 'postgres', url: url.href }
}

const asInteger = (value: SynapseValue): Exclude<SynapseValue, boolean> =>
  typeof value === 'boolean' ? Number(value) : value

/** Makes such a database, and opens it as an import does. */
export const openMadeUpSynapse = async (
  t: ExecutionContext,
  beside: DatabaseConfig,
  rows: SynapseRows,
  tables?: SynapseTables,
): Promise<SynapseSource> => {
  const source = await openSynapse(await makeSynapse(t, beside, rows, tables))
  t.teardown(() => source.close())
  return source
}

/** Declares a test of an import, from and into each kind of database. */
export const testImports = (
  test: TestFn,
  name: string,
  body: (
    t: ExecutionContext,
    db: Database,
    open: (rows: SynapseRows, tables?: SynapseTables) => Promise<SynapseSource>,
    config: DatabaseConfig,
  ) => Promise<void>,
): void =>
  testDatabases(test, name, (t, db, config) =>
    body(t, db, (rows, tables) => openMadeUpSynapse(t, config, rows, tables), config),
  )

/** Has steps import from a made-up Synapse of `a.test`, five milliseconds after 1970; answers their report. */
export const imported = async (
  { db, source, config }: { db: Database; source: SynapseSource; config: DatabaseConfig },
  steps: readonly ImportStep[],
): Promise<{ came: Record<string, number>; left: Record<string, number> }> => {
  await markImport(config, 'synapse a.test')
  const { came, left } = await runImport(steps, { source, db, serverName: 'a.test', now: 5 })
  return { came: Object.fromEntries(came), left: Object.fromEntries(left) }
}
