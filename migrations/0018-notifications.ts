import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** What waits for users to act: a small persistent fact each, the same for all their devices. */
export const notifications: Migration = {
  name: '0018-notifications',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    // Whose messages are kept as notifications: those who have asked for any once. ready is 0 until what there was
    // before has been looked through.
    `CREATE TABLE notification_inboxes (user_id ${text} PRIMARY KEY, ready ${integer} NOT NULL)${clustered}`,
    // id follows from what the notification is about. event_position is the event's in the stream events: reading that
    // far is acting on it. removed: 0 it waits, 1 it was acted on, 2 the user has closed it. details is JSON.
    `CREATE TABLE notifications (
      user_id ${text} NOT NULL,
      id ${text} NOT NULL,
      kind ${text} NOT NULL,
      room_id ${text} NOT NULL,
      sender ${text} NOT NULL,
      event_id ${text},
      event_position ${integer},
      count ${integer} NOT NULL,
      details ${text} NOT NULL,
      ts ${integer} NOT NULL,
      changed_ts ${integer} NOT NULL,
      position ${integer} NOT NULL,
      removed ${integer} NOT NULL,
      PRIMARY KEY (user_id, id)
    )${clustered}`,
    'CREATE INDEX notifications_user ON notifications (user_id, position)',
    'CREATE INDEX notifications_position ON notifications (position)',
    'CREATE INDEX notifications_waiting ON notifications (user_id, ts, id) WHERE removed = 0',
    'CREATE INDEX notifications_room ON notifications (room_id, user_id) WHERE removed = 0',
    'CREATE INDEX notifications_age ON notifications (ts) WHERE removed = 0',
    'CREATE INDEX notifications_over ON notifications (changed_ts) WHERE removed <> 0',
    // The user has closed the notification of this event: it is unread, and no notification any more.
    `ALTER TABLE push_actions ADD COLUMN dismissed ${integer} NOT NULL DEFAULT 0`,
  ]
}
