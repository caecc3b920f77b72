import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Rooms that nobody needs any longer, on their way out. */
export const abandonedRooms: Migration = {
  name: '0019-abandoned-rooms',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => [
  // One row for each room in which nobody here is any longer, nor wants to see it. since_ts: since when that is known;
  // is_going: its room is removed, and its events are being removed.
  `CREATE TABLE abandoned_rooms (
    room_nid ${integer} PRIMARY KEY,
    room_id ${text} NOT NULL,
    since_ts ${integer} NOT NULL,
    is_going ${integer} NOT NULL
  )${clustered}`,
  // All others are found by where they stand in the timeline.
  `CREATE INDEX events_beside_timeline ON events (room_nid)
    WHERE position IS NULL OR rejected IS NOT NULL OR soft_failed <> 0`,
]
