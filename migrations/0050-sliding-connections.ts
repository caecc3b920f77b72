import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** What clients of sliding sync were told, from where they go on after a restart. */
export const slidingConnections: Migration = {
  name: '0050-sliding-connections',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer, text }) => [
      `CREATE TABLE sliding_connections (
        user_id ${text} NOT NULL,
        device_id ${text} NOT NULL,
        name ${text} NOT NULL,
        opened_at ${integer} NOT NULL,
        generation ${integer} NOT NULL,
        snapshot ${text} NOT NULL,
        stored_ts ${integer} NOT NULL,
        PRIMARY KEY (user_id, device_id, name)
      )`,
    ]),
}
