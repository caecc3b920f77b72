import type pg from 'pg'
import { type Database, DatabaseUnavailable } from '../database.ts'
import { HALF_FILLED, PROGRESS_TABLE } from '../dump/row-stream.ts'
import {
  type Migrated,
  migrate,
  needsMigration,
  READ_SCHEMA_INFO,
  type SchemaInfo,
  SHUT_OUT,
  shutsOut,
} from '../migrate.ts'
import { connectionFailure } from './connection-failure.ts'
import type { CommitMeter } from './group-committer.ts'
import { PostgresDatabase } from './postgres.ts'
import { type Connect, connectClient, type PostgresClient } from './postgres-connection.ts'
import { PostgresConnector } from './postgres-connector.ts'
import { hasTable, isServed, whereAllowed } from './postgres-questions.ts'

/** Any number, as long as it stays the same: processes that start together migrate one after the other. */
const MIGRATION_LOCK = 7_357_001

/** The first version with `pg_current_xact_id` and its `pg_xact_status`. */
const OLDEST_SERVER = 130_000

/**
 * Opens a PostgreSQL database and brings its schema up to date. `url` is a connection string.
 *
 * Throws `DatabaseTooNew`, or `DatabaseUnavailable` with a sentence that says where the database should have been.
 */
export const openPostgres = async (
  {
    url,
    poolSize,
    connect = connectClient,
  }: { readonly url: string; readonly poolSize?: number; readonly connect?: Connect | undefined },
  {
    log = () => undefined,
    onMigrated,
    patience,
    silence,
    meter,
    isBeingFilled = false,
  }: {
    readonly log?: (level: 'info' | 'warn', message: string) => void
    readonly onMigrated?: (migrated: Migrated) => void
    readonly patience?: number
    readonly silence?: number
    readonly meter?: CommitMeter
    readonly isBeingFilled?: boolean
  },
): Promise<Database> => {
  let client: PostgresClient
  try {
    client = await connect(url, 'talk')
  } catch (cause) {
    const message = `cannot reach the database ${withoutPassword(url)}: ${connectionFailure(cause)}`
    throw new DatabaseUnavailable(message, { cause })
  }
  try {
    await checkServer(client)
    if (!isBeingFilled && (await hasTable(client, PROGRESS_TABLE)))
      throw new DatabaseUnavailable(`the PostgreSQL database ${HALF_FILLED}`)
    await whereAllowed(client, () => migrateOnce(client, url, onMigrated))
  } catch (error) {
    await client.end()
    throw error
  }
  const connector = new PostgresConnector(url, log, patience, connect)
  const database = new PostgresDatabase(connector, { poolSize, meter, silence })
  await database.start(client)
  return database
}

const checkServer = async (client: pg.Client): Promise<void> => {
  const { rows } = await client.query<{ version: number; encoding: string }>(
    "SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding",
  )
  const { version = 0, encoding } = rows[0] ?? {}
  if (version < OLDEST_SERVER) throw new DatabaseUnavailable('the database needs PostgreSQL 13 or later')
  if (encoding !== 'UTF8') {
    throw new DatabaseUnavailable(`the database must be made with the encoding UTF8, and has ${encoding}`)
  }
}

const migrateOnce = async (
  client: pg.Client,
  url: string,
  onMigrated?: (migrated: Migrated) => void,
): Promise<void> => {
  if (!needsMigration(await readSchemaInfo(client))) return
  // Where that fails, the end of the connection is also that of the lock.
  await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
  const found = await readSchemaInfo(client)
  if (needsMigration(found)) {
    if (shutsOut(found) && (await isServed(client, Date.now()))) throw new DatabaseUnavailable(SHUT_OUT)
    await migrate({ client: 'pg', connection: url }, onMigrated)
  }
  await client.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK])
}

const readSchemaInfo = async (client: pg.Client): Promise<SchemaInfo | undefined> => {
  if (!(await hasTable(client, 'schema_info'))) return undefined
  return (await client.query<SchemaInfo>(READ_SCHEMA_INFO)).rows[0]
}

const withoutPassword = (url: string): string => {
  if (!URL.canParse(url)) return 'of the given URL'
  const shown = new URL(url)
  shown.password = ''
  shown.searchParams.delete('password')
  return shown.href
}
