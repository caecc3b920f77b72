import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** When what two devices have put down for each other was last written. */
export const writtenRendezvous: Migration = {
  name: '0040-written-rendezvous',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer }: SqlTypes): string[] => [
  // A session lasts five minutes: of those that are there nobody minds 1970.
  `ALTER TABLE rendezvous_sessions ADD COLUMN written_ts ${integer} NOT NULL DEFAULT 0`,
]
