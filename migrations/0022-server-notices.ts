import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** The room of each user in which the operators write to them, and what they have not been told yet. */
export const serverNotices: Migration = {
  name: '0022-server-notices',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => [
  `CREATE TABLE server_notice_rooms (
    user_id ${text} PRIMARY KEY,
    room_id ${text} NOT NULL UNIQUE
  )${clustered}`,
  // content is the event's, as JSON. due_ts and wake_ts: see storage/due-rows.ts. A row goes with its delivery.
  `CREATE TABLE server_notices (
    notice_id ${text} PRIMARY KEY,
    user_id ${text} NOT NULL,
    content ${text} NOT NULL,
    due_ts ${integer} NOT NULL,
    wake_ts ${integer}
  )${clustered}`,
  'CREATE INDEX server_notices_wake ON server_notices (wake_ts) WHERE wake_ts IS NOT NULL',
]
