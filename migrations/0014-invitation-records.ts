import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** What becomes of invitations, for both sides to see. */
export const invitationRecords: Migration = {
  name: '0014-invitation-records',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    // One row for each pair of room and invited user, if that user or the inviter is of this server. event_id is the
    // member event that invites (none while scheduled); details is JSON (InvitationDetails). due_ts: when it is to be
    // delivered or expires; wake_ts: when somebody has to see to that.
    `CREATE TABLE invitation_records (
      room_id ${text} NOT NULL,
      user_id ${text} NOT NULL,
      record_id ${text} NOT NULL UNIQUE,
      inviter ${text} NOT NULL,
      status ${text} NOT NULL,
      created_ts ${integer} NOT NULL,
      updated_ts ${integer} NOT NULL,
      expires_ts ${integer},
      deliver_ts ${integer},
      sequence ${integer} NOT NULL,
      silent ${integer} NOT NULL,
      event_id ${text},
      details ${text} NOT NULL,
      position ${integer} NOT NULL,
      due_ts ${integer},
      wake_ts ${integer},
      PRIMARY KEY (room_id, user_id)
    )${clustered}`,
    'CREATE INDEX invitation_records_received ON invitation_records (user_id, status, created_ts, record_id)',
    'CREATE INDEX invitation_records_sent ON invitation_records (inviter, status, created_ts, record_id)',
    'CREATE INDEX invitation_records_position ON invitation_records (position)',
    'CREATE INDEX invitation_records_wake ON invitation_records (wake_ts) WHERE wake_ts IS NOT NULL',
    // The history of what is over is kept for a while.
    `CREATE INDEX invitation_records_over ON invitation_records (updated_ts)
      WHERE status NOT IN ('scheduled', 'invited')`,
  ]
}
