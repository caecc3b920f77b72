import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** When whom to write an e-mail about what they have missed. */
export const mailDigests: Migration = {
  name: '0019-mail-digests',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    // One row for each pusher of the kind email. token is what its unsubscribe links hold; interval_ms is how long after
    // sent_ts the next message goes out at the earliest. due_ts and wake_ts: see storage/due-rows.ts.
    `CREATE TABLE mail_digests (
      token ${text} PRIMARY KEY,
      user_id ${text} NOT NULL,
      address ${text} NOT NULL,
      sent_ts ${integer} NOT NULL,
      interval_ms ${integer} NOT NULL,
      due_ts ${integer} NOT NULL,
      wake_ts ${integer},
      UNIQUE (user_id, address)
    )${clustered}`,
    'CREATE INDEX mail_digests_wake ON mail_digests (wake_ts) WHERE wake_ts IS NOT NULL',
  ]
}
