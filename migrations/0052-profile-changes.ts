import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** When the fields of a profile changed last, for clients that are told of changes (MSC4262): JSON, a list of pairs. */
export const profileChanges: Migration = {
  name: '0052-profile-changes',
  breaking: false,
  up: knex =>
    execute(knex, ({ text }) => [`ALTER TABLE profiles ADD COLUMN changes ${text} NOT NULL DEFAULT '[]'`]),
}
