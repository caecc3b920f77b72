import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** When somebody wanted their content erased: the newest event there was then, since it counts for who joins later. */
export const erasures: Migration = {
  name: '0021-erasures',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer }) => [
      `ALTER TABLE users ADD COLUMN erased_position ${integer}`,
      'CREATE INDEX users_erased ON users (erased_position) WHERE erased_position IS NOT NULL',
      // Those from before: everything that there is now.
      `UPDATE users SET erased_position = (SELECT coalesce(max(position), 0) FROM events WHERE position IS NOT NULL)
       WHERE erase = 1`,
    ]),
}
