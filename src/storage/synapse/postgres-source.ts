import pg from 'pg'
import type { SqlValue } from '../database.ts'
import { postgresTypes, wireValue } from '../dialect/postgres-values.ts'
import { numbered, type SynapseSource, SynapseUnreadable } from './source.ts'

/**
 * @param whose as it is said to the operator
 * @throws {SynapseUnreadable} if there is no database that can be read
 */
export const openPostgresSynapse = async (
  url: string,
  whose = "Synapse's",
): Promise<Omit<SynapseSource, 'schemaVersion'>> => {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    types: postgresTypes,
    application_name: 'tessera import',
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (cause) {
    const reason = cause instanceof Error && cause.message !== '' ? cause.message : 'it does not answer'
    throw new SynapseUnreadable(`${whose} PostgreSQL database cannot be reached: ${reason}`, { cause })
  }
  // Limits that were set for Synapse would end a long import.
  await client.query('SET statement_timeout = 0')
  await client.query('SET idle_in_transaction_session_timeout = 0')
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  const { rows: found } = await client.query<{ name: string }>(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
       WHERE table_schema = ANY(current_schemas(false))
     UNION SELECT table_name FROM information_schema.tables WHERE table_schema = ANY(current_schemas(false))`,
  )
  const names = new Set(found.map(({ name }) => name))
  const all = async <T extends object>(sql: string, parameters: readonly SqlValue[] = []): Promise<T[]> => {
    const { rows } = await client.query<T>(numbered(sql), parameters.map(wireValue))
    return rows
  }
  return {
    kind: 'postgres',
    has: (table, column) => names.has(column === undefined ? table : `${table}.${column}`),
    all,
    get: async <T extends object>(sql: string, parameters?: readonly SqlValue[]) =>
      (await all<T>(sql, parameters))[0],
    othersConnected: async () => {
      const [row] = await all<{ n: number }>(
        `SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()
           AND usename = current_user AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
      )
      return row?.n ?? 0
    },
    close: () => client.end(),
  }
}
