import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** What passes: receipts, presence, reports, and how far the followers of streams have come. */
export const ephemeral: Migration = {
  name: '0005-ephemeral',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    // thread_id is empty for unthreaded receipts. The event may not be here (yet): hence its ID; event_position is
    // where it stands in the timeline, if that was known when the receipt came.
    `CREATE TABLE receipts (
      room_nid ${integer} NOT NULL,
      user_id ${text} NOT NULL,
      type ${text} NOT NULL,
      thread_id ${text} NOT NULL,
      event_id ${text} NOT NULL,
      event_position ${integer},
      ts ${integer} NOT NULL,
      position ${integer} NOT NULL,
      PRIMARY KEY (room_nid, user_id, type, thread_id)
    )${clustered}`,
    'CREATE INDEX receipts_room ON receipts (room_nid, position)',
    'CREATE INDEX receipts_position ON receipts (position)',
    // Written once in a while, from memory.
    `CREATE TABLE presence (
      user_id ${text} PRIMARY KEY,
      presence ${text} NOT NULL,
      status_msg ${text},
      last_active_ts ${integer} NOT NULL,
      updated_ts ${integer} NOT NULL
    )${clustered}`,
    'CREATE INDEX presence_updated ON presence (updated_ts)',
    // What users report to the administrators; subject: the room, event or user.
    `CREATE TABLE reports (
      report_id ${text} PRIMARY KEY,
      kind ${text} NOT NULL,
      reporter ${text} NOT NULL,
      room_id ${text},
      event_id ${text},
      user_id ${text},
      reason ${text},
      created_ts ${integer} NOT NULL
    )`,
    'CREATE INDEX reports_created ON reports (created_ts)',
    'CREATE INDEX reports_reporter ON reports (reporter, created_ts)',
    `CREATE TABLE followed_streams (name ${text} PRIMARY KEY, position ${integer} NOT NULL)${clustered}`,
  ]
}
