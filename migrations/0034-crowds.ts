import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/**
 * A message to a room of thousands notifies them all alike: it took a row for each, on a page of its own. `users` are the localparts
 * of many of them, each between line feeds; `part` tells apart whom one event notifies in different ways.
 */
export const crowds: Migration = {
  name: '0034-crowds',
  breaking: true,
  up: knex =>
    execute(knex, ({ integer, text, clustered }) => [
      `CREATE TABLE crowd_actions (
        room_nid ${integer} NOT NULL,
        bucket ${integer} NOT NULL,
        position ${integer} NOT NULL,
        part ${integer} NOT NULL,
        event_nid ${integer} NOT NULL,
        thread_id ${text} NOT NULL,
        highlight ${integer} NOT NULL,
        actions ${text} NOT NULL,
        ts ${integer} NOT NULL,
        users ${text} NOT NULL,
        PRIMARY KEY (room_nid, bucket, position, part)
      )${clustered}`,
      'CREATE INDEX crowd_actions_position ON crowd_actions (position)',
    ]),
}
