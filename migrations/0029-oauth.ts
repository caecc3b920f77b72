import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** The OAuth 2.0 API: clients, what users grant them, and browsers in which somebody is signed in to the pages of this server. */
export const oauth: Migration = {
  name: '0029-oauth',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer, text, clustered }) => [
      // The ID is made of the metadata (JSON), so that what says the same of itself is one client.
      `CREATE TABLE oauth_clients (
        client_id ${text} PRIMARY KEY,
        metadata ${text} NOT NULL,
        created_ts ${integer} NOT NULL,
        used_ts ${integer} NOT NULL
      )${clustered}`,
      'CREATE INDEX oauth_clients_used ON oauth_clients (used_ts)',
      // session_hash names the session that was begun with the code, once it has been used.
      `CREATE TABLE oauth_codes (
        code_hash ${text} PRIMARY KEY,
        client_id ${text} NOT NULL,
        user_id ${text} NOT NULL,
        device_id ${text} NOT NULL,
        scope ${text} NOT NULL,
        redirect_uri ${text} NOT NULL,
        code_challenge ${text} NOT NULL,
        credential_version ${integer} NOT NULL,
        session_hash ${text},
        created_ts ${integer} NOT NULL,
        expires_ts ${integer} NOT NULL
      )${clustered}`,
      'CREATE INDEX oauth_codes_expiry ON oauth_codes (expires_ts)',
      // state: pending, granted, denied. user_id: who has decided.
      `CREATE TABLE oauth_device_codes (
        code_hash ${text} PRIMARY KEY,
        user_code ${text} NOT NULL UNIQUE,
        client_id ${text} NOT NULL,
        device_id ${text} NOT NULL,
        scope ${text} NOT NULL,
        state ${text} NOT NULL,
        user_id ${text},
        credential_version ${integer},
        polled_ts ${integer} NOT NULL,
        poll_interval ${integer} NOT NULL,
        created_ts ${integer} NOT NULL,
        expires_ts ${integer} NOT NULL
      )${clustered}`,
      'CREATE INDEX oauth_device_codes_expiry ON oauth_device_codes (expires_ts)',
      'CREATE INDEX oauth_device_codes_created ON oauth_device_codes (created_ts)',
      `CREATE TABLE browser_sessions (
        token_hash ${text} PRIMARY KEY,
        user_id ${text} NOT NULL,
        credential_version ${integer} NOT NULL,
        expires_ts ${integer} NOT NULL
      )${clustered}`,
      'CREATE INDEX browser_sessions_expiry ON browser_sessions (expires_ts)',
      // device_id is empty where the keys may be replaced from any device.
      `CREATE TABLE key_reset_approvals (
        user_id ${text} NOT NULL,
        device_id ${text} NOT NULL,
        expires_ts ${integer} NOT NULL,
        PRIMARY KEY (user_id, device_id)
      )${clustered}`,
      'CREATE INDEX key_reset_approvals_expiry ON key_reset_approvals (expires_ts)',
      // Of tokens that a user has given to a client: to which, for what, and which session they belong to.
      `ALTER TABLE access_tokens ADD COLUMN client_id ${text}`,
      `ALTER TABLE access_tokens ADD COLUMN scope ${text}`,
      `ALTER TABLE access_tokens ADD COLUMN session_hash ${text}`,
      'CREATE INDEX access_tokens_client ON access_tokens (client_id) WHERE client_id IS NOT NULL',
      'CREATE INDEX access_tokens_session ON access_tokens (session_hash) WHERE session_hash IS NOT NULL',
    ]),
}
