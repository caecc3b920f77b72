import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** What administrators decide and have done: rooms that nobody gets into, files that stay, work that takes long. */
export const administration: Migration = {
  name: '0041-administration',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => [
  `CREATE TABLE blocked_rooms (
    room_id ${text} PRIMARY KEY,
    blocked_by ${text} NOT NULL,
    created_ts ${integer} NOT NULL
  )${clustered}`,
  // Who has hidden a file, and whether it is kept from being hidden together with others.
  `ALTER TABLE media ADD COLUMN quarantined_by ${text}`,
  `ALTER TABLE media ADD COLUMN is_protected ${integer} NOT NULL DEFAULT 0`,
  // Reports by numbers, as tools want them: the instant (ms) times 1024, and something on top.
  `ALTER TABLE reports ADD COLUMN report_nr ${integer}`,
  `UPDATE reports SET report_nr = created_ts * 1024 + (
     SELECT COUNT(*) FROM reports r WHERE r.created_ts = reports.created_ts AND r.report_id < reports.report_id)`,
  'CREATE UNIQUE INDEX reports_nr ON reports (report_nr)',
  // params and result are JSON, of the action's own kind. due_ts and wake_ts: see storage/due-rows.ts; wake_ts is NULL once it is
  // over, with what came of it, or why nothing did.
  `CREATE TABLE admin_tasks (
    task_id ${text} PRIMARY KEY,
    action ${text} NOT NULL,
    resource_id ${text} NOT NULL,
    params ${text} NOT NULL,
    status ${text} NOT NULL,
    result ${text},
    error ${text},
    created_ts ${integer} NOT NULL,
    due_ts ${integer} NOT NULL,
    wake_ts ${integer},
    done_ts ${integer}
  )${clustered}`,
  'CREATE INDEX admin_tasks_wake ON admin_tasks (wake_ts) WHERE wake_ts IS NOT NULL',
  'CREATE INDEX admin_tasks_done ON admin_tasks (done_ts) WHERE done_ts IS NOT NULL',
  'CREATE INDEX admin_tasks_resource ON admin_tasks (resource_id, created_ts)',
]
