import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Push rules, what notifies whom, and where notifications are sent. */
export const push: Migration = {
  name: '0009-push',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    // Only of users who have changed something. rules is JSON (UserRules); position is of the stream account_data.
    `CREATE TABLE push_rules (user_id ${text} PRIMARY KEY, rules ${text} NOT NULL, position ${integer} NOT NULL)`,
    'CREATE INDEX push_rules_position ON push_rules (position)',
    // One row for each event that notifies a user; position is the event's. thread_id is `main` or the root's ID.
    `CREATE TABLE push_actions (
      user_id ${text} NOT NULL,
      room_nid ${integer} NOT NULL,
      position ${integer} NOT NULL,
      event_nid ${integer} NOT NULL,
      thread_id ${text} NOT NULL,
      highlight ${integer} NOT NULL,
      actions ${text} NOT NULL,
      ts ${integer} NOT NULL,
      PRIMARY KEY (user_id, room_nid, position)
    )${clustered}`,
    'CREATE INDEX push_actions_user ON push_actions (user_id, position)',
    'CREATE INDEX push_actions_position ON push_actions (position)',
    'CREATE INDEX push_actions_age ON push_actions (ts)',
    // data is JSON as the client gave it. event_position and invite_position: up to where of the streams events and
    // invites the gateway has everything.
    `CREATE TABLE pushers (
      user_id ${text} NOT NULL,
      app_id ${text} NOT NULL,
      pushkey ${text} NOT NULL,
      device_id ${text},
      kind ${text} NOT NULL,
      app_display_name ${text} NOT NULL,
      device_display_name ${text} NOT NULL,
      profile_tag ${text},
      lang ${text} NOT NULL,
      data ${text} NOT NULL,
      updated_ts ${integer} NOT NULL,
      event_position ${integer} NOT NULL,
      invite_position ${integer} NOT NULL,
      PRIMARY KEY (user_id, app_id, pushkey)
    )`,
    'CREATE INDEX pushers_key ON pushers (app_id, pushkey)',
  ]
}
