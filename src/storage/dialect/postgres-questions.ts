import type { Client } from 'pg'
import { DatabaseUnavailable } from '../database.ts'

/** Whether a table is there. */
export const hasTable = async (client: Client, name: string): Promise<boolean> =>
  (await client.query('SELECT to_regclass($1) AS found', [name])).rows[0]?.found !== null

/** Whether the user may make tables: since PostgreSQL 15 that is for the owner of a database alone, unless somebody says otherwise. */
export const mayMakeTables = async (client: Client): Promise<boolean> =>
  (await client.query("SELECT has_schema_privilege(current_schema(), 'CREATE') AS may")).rows[0]?.may === true

/** What is to be done about a user that may make no tables. */
export const MAKE_OWNER =
  'the user it is connected to as may make no tables in it: make that user its owner (ALTER DATABASE name OWNER TO user)'

/** Whether nothing can be stored: a standby is like that, and what somebody has made so. */
export const isReadOnly = async (client: Client): Promise<boolean> =>
  (await client.query("SELECT current_setting('transaction_read_only') AS is")).rows[0]?.is === 'on'

/** What is to be done about a database that is read-only. */
export const READ_ONLY =
  'it is read-only: name the primary server in database.url if this is a standby, or else end default_transaction_read_only'

/** PostgreSQL's code for what somebody may not do. */
const NOT_ALLOWED = '42501'

/** Tables that are another user's, as after a dump was read back by an administrator. */
const FOREIGN_TABLES = `SELECT current_user AS me, min(tableowner) AS owner FROM pg_tables
  WHERE schemaname = current_schema() AND NOT pg_has_role(tableowner, 'USAGE')`

/** Does something with a database. Throws `DatabaseUnavailable`, with what it takes, where its user may not do that. */
export const whereAllowed = async <T>(client: Client, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === NOT_ALLOWED)) throw error
    await client.query('ROLLBACK')
    const { me, owner } = (await client.query(FOREIGN_TABLES)).rows[0] ?? {}
    const reason = owner
      ? `its tables belong to the user ${owner}, and it is connected to as ${me}: hand them over (docs/running.md, "PostgreSQL", says how)`
      : MAKE_OWNER
    throw new DatabaseUnavailable(`the PostgreSQL database cannot be used: ${reason}`, { cause: error })
  }
}

/**
 * Whether a server runs on the database: told by the leases of its processes, which one that was killed holds for half a minute more.
 *
 * @param now milliseconds since 1970
 */
export const isServed = async (client: Client, now: number): Promise<boolean> => {
  if (!(await hasTable(client, 'leases'))) return false
  const { rows } = await client.query('SELECT 1 FROM leases WHERE held_until_ts > $1 LIMIT 1', [now])
  return rows.length > 0
}
