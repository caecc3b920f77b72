import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/**
 * Where an invitation stands among the events of rooms: after which position of the stream `events` it came, so that clients'
 * lists can be in the order of what happened. Those that are pending already count as having come just now.
 */
export const whenInvited: Migration = {
  name: '0033-when-invited',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer }) => [
      `ALTER TABLE invitations ADD COLUMN event_position ${integer} NOT NULL DEFAULT 0`,
      `UPDATE invitations SET event_position = COALESCE((SELECT position FROM streams WHERE name = 'events'), 0) + 1`,
    ]),
}
