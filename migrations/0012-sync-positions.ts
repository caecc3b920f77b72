import type { Migration } from './index.ts'

/** Streams whose rows belong to users are followed by position. */
export const syncPositions: Migration = {
  name: '0012-sync-positions',
  breaking: false,
  async up(knex) {
    for (const table of ['invitations', 'account_data']) {
      await knex.raw(`CREATE INDEX ${table}_position ON ${table} (position)`)
    }
  },
}
