import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** How invitations ended to rooms of which nothing else is stored: the member event that clients are told then. */
export const endedInvitations: Migration = {
  name: '0035-ended-invitations',
  breaking: false,
  up: knex => execute(knex, ({ text }) => [`ALTER TABLE invitations ADD COLUMN ending ${text}`]),
}
