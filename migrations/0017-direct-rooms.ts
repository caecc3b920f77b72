import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Which room is the one of two people. */
export const directRooms: Migration = {
  name: '0017-direct-rooms',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    // One row for each pair who have a room, at least one of them of this server; their IDs sorted by bytes. generation
    // and maker are what the room's create event says, 0 and the creator for a room that was not made as this one.
    `CREATE TABLE direct_rooms (
      low_user ${text} NOT NULL,
      high_user ${text} NOT NULL,
      room_id ${text} NOT NULL,
      generation ${integer} NOT NULL,
      maker ${text} NOT NULL,
      PRIMARY KEY (low_user, high_user)
    )${clustered}`,
    'CREATE INDEX direct_rooms_room ON direct_rooms (room_id)',
  ]
}
