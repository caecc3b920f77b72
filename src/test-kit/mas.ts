import pg from 'pg'
import type { PostgresConfig } from './database.ts'

/** The tables of a Matrix Authentication Service, as far as the import reads them. */
const TABLES = {
  users:
    'user_id uuid, username text, created_at timestamptz, locked_at timestamptz, deactivated_at timestamptz, can_request_admin boolean',
  user_passwords:
    'user_password_id uuid, user_id uuid, hashed_password text, version integer, created_at timestamptz',
  user_emails: 'user_email_id uuid, user_id uuid, email text, created_at timestamptz',
  upstream_oauth_providers: 'upstream_oauth_provider_id uuid, issuer text, client_id text',
  upstream_oauth_links:
    'upstream_oauth_link_id uuid, upstream_oauth_provider_id uuid, user_id uuid, subject text, created_at timestamptz',
  compat_sessions:
    'compat_session_id uuid, user_id uuid, device_id text, created_at timestamptz, finished_at timestamptz, is_synapse_admin boolean',
  compat_access_tokens:
    'compat_access_token_id uuid, compat_session_id uuid, access_token text, created_at timestamptz, expires_at timestamptz',
  compat_refresh_tokens:
    'compat_refresh_token_id uuid, compat_session_id uuid, compat_access_token_id uuid, refresh_token text, consumed_at timestamptz, created_at timestamptz',
  oauth2_sessions: 'oauth2_session_id uuid, user_id uuid, finished_at timestamptz',
  personal_access_tokens: 'personal_access_token_id uuid, revoked_at timestamptz',
} as const satisfies Record<string, string>

export type MasRows = Partial<
  Record<keyof typeof TABLES, readonly Record<string, string | number | boolean | null>[]>
>

/** A number as the IDs of such a service. */
export const uuid = (n: number): string => `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`

/** Makes the database of such a service with made-up rows, as a schema of its own in a database of ours; answers its URL. */
export const makeMas = async (beside: PostgresConfig, rows: MasRows): Promise<string> => {
  const url = new URL(beside.url)
  url.searchParams.set('options', '-c search_path=mas')
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  await client.query('CREATE SCHEMA mas')
  for (const [name, columns] of Object.entries(TABLES))
    await client.query(`CREATE TABLE ${name} (${columns})`)
  for (const [table, ofTable] of Object.entries(rows))
    for (const row of ofTable)
      await client.query(
        `INSERT INTO ${table} (${Object.keys(row).join()})
         VALUES (${Object.keys(row)
           .map((_, index) => `$${index + 1}`)
           .join()})`,
        Object.values(row),
      )
  await client.end()
  return url.href
}
