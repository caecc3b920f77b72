/**
 * The tables of Synapse that the import reads of accounts, as far as it reads them. Types are those of PostgreSQL: SQLite takes any.
 * Columns that a test gives no value are NULL, whatever Synapse says of them.
 */
export const SYNAPSE_TABLES = {
  schema_version: 'version integer',
  schema_compat_version: 'compat_version integer',
  event_json: 'event_id text, room_id text, internal_metadata text, json text, format_version integer',
  users:
    'name text, password_hash text, creation_ts bigint, admin smallint, is_guest smallint, appservice_id text, user_type text, deactivated smallint, shadow_banned boolean, locked boolean, suspended boolean, approved boolean, consent_version text',
  erased_users: 'user_id text',
  users_pending_deactivation: 'user_id text',
  ratelimit_override: 'user_id text, messages_per_second bigint, burst_count bigint',
  profiles: 'user_id text, full_user_id text, displayname text, avatar_url text, fields jsonb',
  user_threepids: 'user_id text, medium text, address text, validated_at bigint, added_at bigint',
  user_threepid_id_server: 'user_id text, medium text, address text, id_server text',
  user_external_ids: 'auth_provider text, external_id text, user_id text',
  registration_tokens:
    'token text, uses_allowed integer, pending integer, completed integer, expiry_time bigint',
  devices:
    'user_id text, device_id text, display_name text, last_seen bigint, ip text, user_agent text, hidden boolean',
  access_tokens:
    'id bigint, user_id text, device_id text, token text, valid_until_ms bigint, puppets_user_id text, refresh_token_id bigint, used boolean',
  refresh_tokens:
    'id bigint, user_id text, device_id text, token text, next_token_id bigint, expiry_ts bigint, ultimate_session_expiry_ts bigint',
  e2e_device_keys_json: 'user_id text, device_id text, ts_added_ms bigint, key_json text',
  e2e_cross_signing_keys: 'user_id text, keytype text, keydata text, stream_id bigint',
  e2e_cross_signing_signatures:
    'user_id text, key_id text, target_user_id text, target_device_id text, signature text',
  e2e_one_time_keys_json:
    'user_id text, device_id text, algorithm text, key_id text, ts_added_ms bigint, key_json text',
  e2e_fallback_keys_json:
    'user_id text, device_id text, algorithm text, key_id text, key_json text, used boolean',
  dehydrated_devices: 'user_id text, device_id text, device_data text',
  e2e_room_keys_versions:
    'user_id text, version bigint, algorithm text, auth_data text, deleted smallint, etag bigint',
  e2e_room_keys:
    'user_id text, room_id text, session_id text, version bigint, first_message_index integer, forwarded_count integer, is_verified boolean, session_data text',
  local_media_repository:
    'media_id text, media_type text, media_length integer, created_ts bigint, upload_name text, user_id text, quarantined_by text, url_cache text, last_access_ts bigint, safe_from_quarantine boolean',
  remote_media_cache: 'media_origin text, media_id text, quarantined_by text',
  server_signature_keys:
    'server_name text, key_id text, from_server text, ts_added_ms bigint, verify_key bytea, ts_valid_until_ms bigint',
  application_services_txns: 'as_id text, txn_id bigint, event_ids text',
  device_lists_stream: 'stream_id bigint, user_id text, device_id text',
  user_signature_stream: 'stream_id bigint, from_user_id text, user_ids text',
  device_inbox: 'user_id text, device_id text, stream_id bigint, message_json text',
  device_federation_inbox: 'origin text, message_id text, received_ts bigint',
  device_federation_outbox: 'destination text, stream_id bigint, queued_ts bigint, messages_json text',
  account_data: 'user_id text, account_data_type text, stream_id bigint, content text',
  room_account_data: 'user_id text, room_id text, account_data_type text, stream_id bigint, content text',
  room_tags: 'user_id text, room_id text, tag text, content text',
  user_filters: 'user_id text, full_user_id text, filter_id bigint, filter_json bytea',
  push_rules:
    'id bigint, user_name text, rule_id text, priority_class smallint, priority integer, conditions text, actions text',
  push_rules_enable: 'id bigint, user_name text, rule_id text, enabled smallint',
  pushers:
    'id bigint, user_name text, profile_tag text, kind text, app_id text, app_display_name text, device_display_name text, pushkey text, ts bigint, lang text, data text, device_id text, enabled boolean',
} as const satisfies Record<string, string>

export type SynapseTables = Readonly<Record<string, string>>

/** What a column of a made-up row may hold. */
export type SynapseValue = string | number | boolean | null | Uint8Array

/** Made-up rows, by table. */
export type SynapseRows = Readonly<Record<string, readonly Readonly<Record<string, SynapseValue>>[]>>
