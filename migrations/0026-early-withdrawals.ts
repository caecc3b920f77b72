import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Withdrawals of other servers' invitations that came before the invitations themselves. */
export const earlyWithdrawals: Migration = {
  name: '0026-early-withdrawals',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => [
  // Kept for a day, and as many as storage/invitations/early-withdrawals.ts says.
  `CREATE TABLE early_withdrawals (
    event_id ${text} NOT NULL,
    inviter ${text} NOT NULL,
    room_id ${text} NOT NULL,
    user_id ${text} NOT NULL,
    received_ts ${integer} NOT NULL,
    PRIMARY KEY (event_id, inviter)
  )${clustered}`,
  'CREATE INDEX early_withdrawals_received ON early_withdrawals (received_ts)',
]
