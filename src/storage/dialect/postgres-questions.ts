import type { Client } from 'pg'

/** Whether a table is there. */
export const hasTable = async (client: Client, name: string): Promise<boolean> =>
  (await client.query('SELECT to_regclass($1) AS found', [name])).rows[0]?.found !== null

/** Whether the user may make tables: since PostgreSQL 15 that is for the owner of a database alone, unless somebody says otherwise. */
export const mayMakeTables = async (client: Client): Promise<boolean> =>
  (await client.query("SELECT has_schema_privilege(current_schema(), 'CREATE') AS may")).rows[0]?.may === true

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
