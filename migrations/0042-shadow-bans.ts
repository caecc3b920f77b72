import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** Users whose messages reach nobody, without their knowing. */
export const shadowBans: Migration = {
  name: '0042-shadow-bans',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer }) => [
      `ALTER TABLE users ADD COLUMN is_shadow_banned ${integer} NOT NULL DEFAULT 0`,
    ]),
}
