import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** Removing a room, or a part of its history, asked of each of these tables for everything that they hold. */
export const indexesForRemoval: Migration = {
  name: '0026-indexes-for-removal',
  breaking: false,
  up: knex =>
    execute(knex, () => [
      'CREATE INDEX redactions_redaction ON redactions (redaction_nid)',
      'CREATE INDEX events_awaiting_auth_event ON events_awaiting_auth (event_nid)',
      'CREATE INDEX federation_destination_rooms_room ON federation_destination_rooms (room_nid)',
    ]),
}
