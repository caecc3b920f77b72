import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** A room is deleted by one task at a time, whoever asks for it in the same moment. */
export const oneRoomDeletion: Migration = {
  name: '0048-one-room-deletion',
  breaking: false,
  up: knex =>
    execute(knex, () => [
      `UPDATE admin_tasks SET status = 'failed', error = 'it was being deleted already', wake_ts = NULL,
         done_ts = created_ts
       WHERE action = 'shutdown_and_purge_room' AND done_ts IS NULL AND EXISTS (
         SELECT 1 FROM admin_tasks o
         WHERE o.resource_id = admin_tasks.resource_id AND o.action = admin_tasks.action AND o.done_ts IS NULL
           AND (o.created_ts < admin_tasks.created_ts
             OR (o.created_ts = admin_tasks.created_ts AND o.task_id < admin_tasks.task_id)))`,
      `CREATE UNIQUE INDEX admin_tasks_alone ON admin_tasks (resource_id)
       WHERE action = 'shutdown_and_purge_room' AND done_ts IS NULL`,
    ]),
}
