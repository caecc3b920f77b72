import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** Which rooms are closed to other servers (`m.federate`), so that these are not told of them. */
export const closedRooms: Migration = {
  name: '0037-closed-rooms',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer }) => [
      `ALTER TABLE room_summaries ADD COLUMN is_federated ${integer} NOT NULL DEFAULT 1`,
      // The text of an event is canonical: what is said so in any other place of it is escaped.
      `UPDATE room_summaries SET is_federated = 0 WHERE EXISTS (
         SELECT 1 FROM room_state s JOIN event_json j ON j.event_nid = s.event_nid
         WHERE s.room_nid = room_summaries.room_nid AND s.type = 'm.room.create' AND s.state_key = ''
           AND s.valid_to IS NULL AND j.json LIKE '%"m.federate":false%')`,
    ]),
}
