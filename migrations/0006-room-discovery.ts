import { columnsOf } from './columns.ts'
import type { Migration } from './index.ts'

/** What rooms and events are found by: projections of the rooms, kept in the commits that change these. */
export const roomDiscovery: Migration = {
  name: '0006-room-discovery',
  breaking: true,
  async up(knex) {
    for (const statement of tables(columnsOf(knex).isPostgres)) await knex.raw(statement)
  },
}

const tables = (isPostgres: boolean): string[] => {
  const integer = isPostgres ? 'bigint' : 'integer'
  const text = isPostgres ? 'text COLLATE "C"' : 'text'
  return [
    // What every room is shown by; the published ones are the room directory.
    `CREATE TABLE room_summaries (
      room_nid ${integer} PRIMARY KEY,
      is_public ${integer} NOT NULL,
      is_open ${integer} NOT NULL,
      joined ${integer} NOT NULL,
      room_type ${text},
      search_text ${text} NOT NULL,
      summary ${text} NOT NULL
    )`,
    'CREATE INDEX room_summaries_public ON room_summaries (joined, room_nid) WHERE is_public = 1',
    `CREATE INDEX events_by_time ON events (room_nid, origin_server_ts, position)
      WHERE position IS NOT NULL AND rejected IS NULL AND soft_failed = 0`,
  ]
}
