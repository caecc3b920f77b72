import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Rooms that were joined without being told of their members. */
export const partialRooms: Migration = {
  name: '0018-partial-rooms',
  // A program that does not know of it would take the members that are known for all that there are.
  breaking: true,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => [
  // One row for each room at most. joined_at is the position of the join: the state just before it lacks members until
  // completed_at, a position of the same stream. servers is JSON: who was in the room then.
  `CREATE TABLE partial_rooms (
    room_nid ${integer} PRIMARY KEY,
    join_nid ${integer} NOT NULL,
    joined_at ${integer} NOT NULL,
    servers ${text} NOT NULL,
    completed_at ${integer}
  )${clustered}`,
  'CREATE INDEX partial_rooms_open ON partial_rooms (room_nid) WHERE completed_at IS NULL',
  'CREATE INDEX partial_rooms_completed ON partial_rooms (completed_at) WHERE completed_at IS NOT NULL',
]
