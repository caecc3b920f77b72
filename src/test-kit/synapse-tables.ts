/**
 * The tables of Synapse that the import reads of accounts, as far as it reads them. Types are those of PostgreSQL: SQLite takes any.
 * Columns that a test gives no value are NULL, whatever Synapse says of them.
 */
export const SYNAPSE_TABLES = {
  schema_version: 'version integer',
  schema_compat_version: 'compat_version integer',
  event_json: 'event_id text, room_id text, internal_metadata text, json text, format_version integer',
  users:
    'name text, password_hash text, creation_ts bigint, admin smallint, is_guest smallint, appservice_id text, user_type text, deactivated smallint, shadow_banned boolean, locked boolean, suspended boolean',
  erased_users: 'user_id text',
  users_pending_deactivation: 'user_id text',
  ratelimit_override: 'user_id text, messages_per_second bigint, burst_count bigint',
} as const satisfies Record<string, string>

export type SynapseTables = Readonly<Record<string, string>>

/** What a column of a made-up row may hold. */
export type SynapseValue = string | number | boolean | null | Uint8Array

/** Made-up rows, by table. */
export type SynapseRows = Readonly<Record<string, readonly Readonly<Record<string, SynapseValue>>[]>>
