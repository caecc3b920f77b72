import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/**
 * A message to a room of many dirties a page for each of them in every tree that is sorted by user. The one by user and
 * position served what is asked rarely, and is answered from the rows of the user, which are bounded.
 */
export const oneTreeOfNotifications: Migration = {
  name: '0031-one-tree-of-notifications',
  breaking: false,
  up: knex => execute(knex, () => ['DROP INDEX push_actions_user']),
}
