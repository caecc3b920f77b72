import test, { type ExecutionContext } from 'ava'
import Sqlite from 'better-sqlite3'
import pg from 'pg'
import { signingKeyFromSeed } from '../src/core/signing.ts'
import type { Database } from '../src/storage/database.ts'
import { PostgresDatabase } from '../src/storage/dialect/postgres.ts'
import { SqliteDatabase } from '../src/storage/dialect/sqlite.ts'
import type { DatabaseConfig } from '../src/storage/open.ts'
import { testDatabases } from '../src/test-kit/database.ts'
import { startTestServer } from '../src/test-kit/server.ts'
import { fill } from './filled/fill.ts'
import { SCALES } from './filled/scales.ts'
import { mayBeWhole } from './whole-tables.ts'

/**
 * Every statement that a running server has prepared is planned on a filled database. None goes through all of a table that grows, but for
 * those that are listed with a reason (`whole-tables.ts`).
 */

/** What one statement goes through from one end to the other. */
interface Whole {
  readonly table: string
  readonly statement: string
}

/** Fills a database, and has a whole server prepare its statements on it. */
const prepared = async (
  t: ExecutionContext,
  database: Database,
  config: DatabaseConfig,
): Promise<string[]> => {
  const signingKey = signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(7))
  await fill({ database, scale: SCALES.tiny, serverName: 'localhost', signingKey, now: Date.now() })
  t.is(await roomsBehind(database), 0, 'every room goes on from its newest event')
  const server = await startTestServer({ database: config })
  await server.close()
  const all = config.kind === 'sqlite' ? SqliteDatabase.statements() : PostgresDatabase.statements()
  t.true(all.length > 300, 'the statements of the whole server are known')
  return all.filter(statement => /^\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b/i.test(statement))
}

/** How many rooms have an end that others follow. The question is none of the server's, and not kept among its statements. */
const roomsBehind = async (database: Database): Promise<number> => {
  const { prepared, parameters } = database.compile(knex =>
    knex('forward_extremities as x')
      .join('events as e', 'e.event_nid', 'x.event_nid')
      .join('events as later', 'later.room_nid', 'x.room_nid')
      .whereRaw('later.position > e.position')
      .countDistinct('x.room_nid as rooms'),
  )
  return Number((await database.scan<{ rooms: number }>(prepared, parameters))[0]?.rooms)
}

const sqlitePlans = (path: string, statements: readonly string[]): Whole[] => {
  const database = new Sqlite(path)
  const tables = new Set(
    database
      .prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all()
      .map(({ name }) => name),
  )
  const found = statements.flatMap(statement => {
    const named = new Map(
      [...statement.matchAll(/\b(?:FROM|JOIN|UPDATE|INTO|,)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?/gi)].flatMap(
        ([, table = '', alias]) =>
          tables.has(table) ? [[table, table] as const, [alias ?? table, table] as const] : [],
      ),
    )
    const plan = database
      .prepare<null[], { detail: string }>(`EXPLAIN QUERY PLAN ${statement}`)
      .all(...[...statement.matchAll(/\?/g)].map(() => null))
    return plan.flatMap(({ detail }) => {
      if (detail.includes('ANY(')) return [{ table: detail, statement }]
      const scanned = named.get(/^SCAN (\w+)/.exec(detail)?.[1] ?? '')
      return scanned === undefined || detail.includes('VIRTUAL TABLE') ? [] : [{ table: scanned, statement }]
    })
  })
  database.close()
  return found
}

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly Plans?: readonly PlanNode[]
}

/** Has the planner take small tables for big ones, in which also what is found by a key has become more. */
const MAGNIFY = [
  `UPDATE pg_statistic s SET stadistinct = -s.stadistinct / c.reltuples FROM pg_class c
   WHERE c.oid = s.starelid AND c.relnamespace = 'public'::regnamespace AND s.stadistinct > 5`,
  `UPDATE pg_statistic s SET stakind1 = 0, stakind2 = 0, stakind3 = 0, stakind4 = 0, stakind5 = 0 FROM pg_class c
   WHERE c.oid = s.starelid AND c.relnamespace = 'public'::regnamespace`,
  `UPDATE pg_class SET reltuples = reltuples * 10000 WHERE relnamespace = 'public'::regnamespace`,
]

/** Of each index the column that it is sorted by first. */
const leadingColumns = async (client: pg.Client): Promise<ReadonlyMap<string, string>> => {
  const { rows } = await client.query<{ index: string; column: string }>(
    `SELECT indexrelid::regclass::text AS index, pg_get_indexdef(indexrelid, 1, false) AS column FROM pg_index`,
  )
  return new Map(rows.map(({ index, column }) => [index, column]))
}

const postgresPlans = async (url: string, statements: readonly string[]): Promise<Whole[]> => {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await addRows(client)
    await client.query('ANALYZE')
    for (const statement of MAGNIFY) await client.query(statement)
    const leading = await leadingColumns(client)
    // Parameters are unknown, as they are for a statement that is kept; scans that nothing stands in for remain.
    await client.query("SET plan_cache_mode = 'force_generic_plan'; SET enable_seqscan = off")
    const found: Whole[] = []
    for (const [index, statement] of statements.entries()) {
      const count = Math.max(0, ...[...statement.matchAll(/\$(\d+)/g)].map(([, n]) => Number(n)))
      const nulls = count === 0 ? '' : `(${Array(count).fill('NULL').join(', ')})`
      await client.query(`PREPARE s${index} AS ${statement}`)
      const { rows } = await client.query(`EXPLAIN (FORMAT JSON, COSTS OFF) EXECUTE s${index}${nulls}`)
      found.push(...wholeOf(rows[0]['QUERY PLAN'][0]['Plan'], leading).map(table => ({ table, statement })))
    }
    return found
  } finally {
    await client.end()
  }
}

/** Rows of no meaning in tables that have none: an empty table is not worth an index. */
const addRows = async (client: pg.Client): Promise<void> => {
  const { rows: columns } = await client.query<{ table: string; column: string; type: string }>(
    `SELECT c.table_name AS table, c.column_name AS column, c.data_type AS type FROM information_schema.columns c
     WHERE c.table_schema = 'public'`,
  )
  for (const [table, own] of Map.groupBy(columns, ({ table }) => table)) {
    const { rows } = await client.query(`SELECT 1 FROM "${table}" LIMIT 1`)
    if (rows.length > 0) continue
    const values = own.map(({ type }) => `(i)::text::${type}`)
    await client.query(
      `INSERT INTO "${table}" (${own.map(({ column }) => `"${column}"`).join(', ')})
       SELECT ${values.join(', ')} FROM generate_series(1, 50) AS i`,
    )
  }
}

/** The tables and indexes that a plan goes through as a whole; as far as a limit goes is not all of it. */
const wholeOf = (node: PlanNode, leading: ReadonlyMap<string, string>, isLimited = false): string[] => {
  const { 'Relation Name': table, 'Index Name': index, 'Index Cond': condition, Plans: below = [] } = node
  const type = node['Node Type']
  const isSought = index !== undefined && condition?.includes(leading.get(index) ?? '') === true
  const isInOrder = isLimited && node.Filter === undefined
  const isWhole = type === 'Seq Scan' || (index !== undefined && !isSought && !isInOrder)
  return [
    ...(isWhole && table !== undefined ? [table] : []),
    ...below.flatMap(child =>
      wholeOf(child, leading, type === 'Limit' || (isLimited && type === 'LockRows')),
    ),
  ]
}

testDatabases(test, 'no statement goes through a whole table that grows', async (t, database, config) => {
  const statements = await prepared(t, database, config)
  await database.close()
  const found =
    config.kind === 'sqlite'
      ? sqlitePlans(config.path, statements)
      : await postgresPlans(config.url, statements)
  const unexcused = found.filter(({ table, statement }) => !mayBeWhole(table, statement))
  t.deepEqual(unexcused, [])
})
