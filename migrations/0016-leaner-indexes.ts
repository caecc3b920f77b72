import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/**
 * Every message pays for these indexes: one by event ID dirties a page of its own with each row, one by nid appends.
 * Notifications are stored in the order of time, so that their positions tell their age.
 */
export const leanerIndexes: Migration = {
  name: '0016-leaner-indexes',
  breaking: false,
  up: knex => execute(knex, changes),
}

const changes = ({ integer }: SqlTypes): string[] => [
  // The event that a transaction made; NULL where it made none.
  `ALTER TABLE client_transactions ADD COLUMN event_nid ${integer}`,
  `UPDATE client_transactions SET event_nid =
     (SELECT e.event_nid FROM events e WHERE e.event_id = client_transactions.event_id)`,
  'DROP INDEX client_transactions_event',
  'CREATE INDEX client_transactions_nid ON client_transactions (event_nid) WHERE event_nid IS NOT NULL',
  'DROP INDEX push_actions_age',
]
