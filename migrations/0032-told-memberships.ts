import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/**
 * From which position of the stream `events` on this server has known of a membership that holds since before: NULL for all
 * but our own users of whom a room that was joined without its members turned out to have known already.
 */
export const toldMemberships: Migration = {
  name: '0032-told-memberships',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer }) => [
      `ALTER TABLE memberships ADD COLUMN told_from ${integer}`,
      'CREATE INDEX memberships_told ON memberships (told_from) WHERE told_from IS NOT NULL',
    ]),
}
