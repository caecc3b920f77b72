import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Accounts: users, their devices and tokens, what they keep on the server, and the ways in. */
export const accounts: Migration = {
  name: '0001-accounts',
  breaking: true,
  up: knex => execute(knex, types => [...people(types), ...waysIn(types), ...belongings(types)]),
}

const people = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    // credential_version moves with every change that ends sessions: who was verified against an older one is late.
    // cleanup = 1 until a deactivated user has left all rooms. accepted_terms is JSON: policy → version.
    `CREATE TABLE users (
      user_id ${text} PRIMARY KEY,
      password_hash ${text},
      kind ${text} NOT NULL,
      is_admin ${integer} NOT NULL,
      is_locked ${integer} NOT NULL,
      is_suspended ${integer} NOT NULL,
      created_ts ${integer} NOT NULL,
      deactivated_ts ${integer},
      erase ${integer} NOT NULL,
      cleanup ${integer} NOT NULL,
      credential_version ${integer} NOT NULL,
      last_login_ts ${integer},
      accepted_terms ${text}
    )${clustered}`,
    'CREATE INDEX users_admin ON users (user_id) WHERE is_admin = 1',
    'CREATE INDEX users_cleanup ON users (user_id) WHERE cleanup = 1',
    `CREATE TABLE devices (
      user_id ${text} NOT NULL,
      device_id ${text} NOT NULL,
      display_name ${text},
      created_ts ${integer} NOT NULL,
      last_seen_ts ${integer},
      last_seen_ip ${text},
      last_seen_user_agent ${text},
      PRIMARY KEY (user_id, device_id)
    )${clustered}`,
    // One row is what one login or refresh handed out: an access token and, where asked for, its refresh token.
    // supersedes names the pair that this one was refreshed from, until this one has been used.
    `CREATE TABLE access_tokens (
      token_hash ${text} PRIMARY KEY,
      user_id ${text} NOT NULL,
      device_id ${text} NOT NULL,
      created_ts ${integer} NOT NULL,
      expires_ts ${integer},
      refresh_hash ${text} UNIQUE,
      refresh_expires_ts ${integer},
      supersedes ${text}
    )${clustered}`,
    'CREATE INDEX access_tokens_device ON access_tokens (user_id, device_id)',
    'CREATE INDEX access_tokens_supersedes ON access_tokens (supersedes) WHERE supersedes IS NOT NULL',
    `CREATE INDEX access_tokens_refresh_expiry ON access_tokens (refresh_expires_ts)
      WHERE refresh_expires_ts IS NOT NULL`,
  ]
}

const waysIn = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    `CREATE TABLE registration_tokens (
      token ${text} PRIMARY KEY,
      uses_allowed ${integer},
      completed ${integer} NOT NULL,
      created_ts ${integer} NOT NULL,
      expires_ts ${integer}
    )${clustered}`,
    // registration_token: a use of that token which this session has reserved and not yet completed.
    `CREATE TABLE uia_sessions (
      session_id ${text} PRIMARY KEY,
      operation ${text} NOT NULL,
      request_hash ${text},
      user_id ${text},
      completed ${text} NOT NULL,
      params ${text} NOT NULL,
      registration_token ${text},
      outcome ${text},
      created_ts ${integer} NOT NULL,
      expires_ts ${integer} NOT NULL
    )${clustered}`,
    'CREATE INDEX uia_sessions_expiry ON uia_sessions (expires_ts)',
    'CREATE INDEX uia_sessions_created ON uia_sessions (created_ts)',
    `CREATE INDEX uia_sessions_registration_token ON uia_sessions (registration_token)
      WHERE registration_token IS NOT NULL`,
    // Secrets that are good for one use: set-up links, login tokens, nonces.
    `CREATE TABLE one_time_tokens (
      token_hash ${text} PRIMARY KEY,
      purpose ${text} NOT NULL,
      subject ${text},
      created_ts ${integer} NOT NULL,
      expires_ts ${integer} NOT NULL
    )${clustered}`,
    'CREATE INDEX one_time_tokens_purpose ON one_time_tokens (purpose, created_ts)',
  ]
}

// Their rows may be large, which a key's own tree does not bear well.
const belongings = ({ integer, text }: SqlTypes): string[] => {
  return [
    // fields is JSON: everything but the two columns. position is the row's place in the stream of profiles.
    `CREATE TABLE profiles (
      user_id ${text} PRIMARY KEY,
      displayname ${text},
      avatar_url ${text},
      fields ${text} NOT NULL,
      position ${integer} NOT NULL
    )`,
    'CREATE INDEX profiles_position ON profiles (position)',
    // room_id is empty for global account data.
    `CREATE TABLE account_data (
      user_id ${text} NOT NULL,
      room_id ${text} NOT NULL,
      type ${text} NOT NULL,
      content ${text} NOT NULL,
      position ${integer} NOT NULL,
      PRIMARY KEY (user_id, room_id, type)
    )`,
    'CREATE INDEX account_data_changed ON account_data (user_id, position)',
    `CREATE TABLE filters (
      user_id ${text} NOT NULL,
      filter_id ${text} NOT NULL,
      content ${text} NOT NULL,
      used_ts ${integer} NOT NULL,
      PRIMARY KEY (user_id, filter_id)
    )`,
    'CREATE INDEX filters_used ON filters (user_id, used_ts)',
  ]
}
