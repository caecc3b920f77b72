import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Rooms, their events, their state over time, memberships, invitations, aliases. */
export const rooms: Migration = {
  name: '0002-rooms',
  breaking: true,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    `CREATE TABLE rooms (
      room_nid ${integer} PRIMARY KEY,
      room_id ${text} NOT NULL UNIQUE,
      version ${text} NOT NULL,
      head_version ${integer} NOT NULL,
      is_public ${integer} NOT NULL,
      creator ${text} NOT NULL,
      created_ts ${integer} NOT NULL
    )`,
    'CREATE INDEX rooms_public ON rooms (room_nid) WHERE is_public = 1',
    // One copy of an event: its canonical text is here once, everything else refers to it by event_nid.
    `CREATE TABLE event_json (event_nid ${integer} PRIMARY KEY, json ${text} NOT NULL)`,
    `CREATE TABLE events (
      event_nid ${integer} PRIMARY KEY,
      event_id ${text} NOT NULL UNIQUE,
      room_nid ${integer} NOT NULL,
      position ${integer},
      type ${text} NOT NULL,
      state_key ${text},
      sender ${text} NOT NULL,
      depth ${integer} NOT NULL,
      origin_server_ts ${integer} NOT NULL,
      rejected ${text},
      soft_failed ${integer} NOT NULL,
      redacted_by ${integer},
      generation ${integer} NOT NULL
    )`,
    `CREATE INDEX events_timeline ON events (room_nid, position)
      WHERE position IS NOT NULL AND rejected IS NULL AND soft_failed = 0`,
    'CREATE INDEX events_position ON events (position) WHERE position IS NOT NULL',
    `CREATE TABLE event_auth (
      event_nid ${integer} NOT NULL, auth_nid ${integer} NOT NULL, PRIMARY KEY (event_nid, auth_nid)
    )${clustered}`,
    // Rejected only for want of an auth event, which was missing or rejected itself: judged anew when that changes.
    `CREATE TABLE events_awaiting_auth (
      auth_event_id ${text} NOT NULL, event_nid ${integer} NOT NULL, PRIMARY KEY (auth_event_id, event_nid)
    )${clustered}`,
    `CREATE TABLE forward_extremities (
      room_nid ${integer} NOT NULL, event_nid ${integer} NOT NULL, PRIMARY KEY (room_nid, event_nid)
    )${clustered}`,
    `CREATE TABLE backward_extremities (
      room_nid ${integer} NOT NULL, missing_event_id ${text} NOT NULL, event_nid ${integer} NOT NULL,
      PRIMARY KEY (room_nid, missing_event_id, event_nid)
    )${clustered}`,
    `CREATE TABLE redactions (
      redacts ${text} NOT NULL, redaction_nid ${integer} NOT NULL, PRIMARY KEY (redacts, redaction_nid)
    )${clustered}`,
    `CREATE TABLE room_state (
      room_nid ${integer} NOT NULL,
      type ${text} NOT NULL,
      state_key ${text} NOT NULL,
      valid_from ${integer} NOT NULL,
      valid_to ${integer},
      event_nid ${integer} NOT NULL,
      PRIMARY KEY (room_nid, type, state_key, valid_from)
    )${clustered}`,
    'CREATE UNIQUE INDEX room_state_current ON room_state (room_nid, type, state_key) WHERE valid_to IS NULL',
    'CREATE INDEX room_state_from ON room_state (room_nid, valid_from)',
    'CREATE INDEX room_state_to ON room_state (room_nid, valid_to) WHERE valid_to IS NOT NULL',
    `CREATE TABLE event_state_delta (
      event_nid ${integer} NOT NULL,
      type ${text} NOT NULL,
      state_key ${text} NOT NULL,
      state_event_nid ${integer},
      PRIMARY KEY (event_nid, type, state_key)
    )${clustered}`,
    `CREATE TABLE memberships (
      user_id ${text} NOT NULL,
      room_nid ${integer} NOT NULL,
      host ${text} NOT NULL,
      membership ${text} NOT NULL,
      event_nid ${integer} NOT NULL,
      position ${integer} NOT NULL,
      forgotten ${integer} NOT NULL,
      PRIMARY KEY (user_id, room_nid)
    )${clustered}`,
    'CREATE INDEX memberships_room ON memberships (room_nid, membership, host)',
    'CREATE INDEX memberships_changed ON memberships (user_id, position)',
    `CREATE TABLE invitations (
      user_id ${text} NOT NULL,
      room_id ${text} NOT NULL,
      kind ${text} NOT NULL,
      sender ${text} NOT NULL,
      status ${text} NOT NULL,
      created_ts ${integer} NOT NULL,
      updated_ts ${integer} NOT NULL,
      position ${integer} NOT NULL,
      event ${text} NOT NULL,
      event_id ${text} NOT NULL,
      room_version ${text} NOT NULL,
      stripped_state ${text} NOT NULL,
      PRIMARY KEY (user_id, room_id)
    )${clustered}`,
    'CREATE INDEX invitations_changed ON invitations (user_id, position)',
    `CREATE TABLE room_aliases (
      alias ${text} PRIMARY KEY, room_id ${text} NOT NULL, creator ${text} NOT NULL, created_ts ${integer} NOT NULL
    )`,
    'CREATE INDEX room_aliases_room ON room_aliases (room_id)',
    `CREATE TABLE client_transactions (
      user_id ${text} NOT NULL,
      device_id ${text} NOT NULL,
      scope ${text} NOT NULL,
      txn_id ${text} NOT NULL,
      event_id ${text} NOT NULL,
      created_ts ${integer} NOT NULL,
      PRIMARY KEY (user_id, device_id, scope, txn_id)
    )${clustered}`,
    'CREATE INDEX client_transactions_event ON client_transactions (event_id)',
    'CREATE INDEX client_transactions_age ON client_transactions (created_ts)',
  ]
}
