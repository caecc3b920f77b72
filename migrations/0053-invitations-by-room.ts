import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** Whom somebody has invited into one room, newest first: of who invites much, that is a small part. */
export const invitationsByRoom: Migration = {
  name: '0053-invitations-by-room',
  breaking: false,
  up: knex =>
    execute(knex, () => [
      'CREATE INDEX invitation_records_sent_to ON invitation_records (inviter, room_id, status, created_ts, record_id)',
    ]),
}
