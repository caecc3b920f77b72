import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** Where two devices meet while one of them is being signed in by a QR code (MSC4388). */
export const rendezvous: Migration = {
  name: '0030-rendezvous',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer, text, clustered }) => [
      // What the devices have to say to each other is encrypted by them. A new token with each write.
      `CREATE TABLE rendezvous_sessions (
        rendezvous_id ${text} PRIMARY KEY,
        sequence_token ${text} NOT NULL,
        data ${text} NOT NULL,
        created_ts ${integer} NOT NULL,
        expires_ts ${integer} NOT NULL
      )${clustered}`,
      'CREATE INDEX rendezvous_sessions_created ON rendezvous_sessions (created_ts)',
      'CREATE INDEX rendezvous_sessions_expiry ON rendezvous_sessions (expires_ts)',
    ]),
}
