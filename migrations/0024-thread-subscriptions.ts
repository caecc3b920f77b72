import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/**
 * Which threads users subscribe to, or do not any more (MSC4306). `position` is of the stream `account_data`;
 * `event_position` where the events stood when the subscription ended last (0: never), for causes of before.
 */
export const threadSubscriptions: Migration = {
  name: '0024-thread-subscriptions',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer, text }) => [
      `CREATE TABLE thread_subscriptions (
        user_id ${text} NOT NULL,
        room_nid ${integer} NOT NULL,
        thread_id ${text} NOT NULL,
        is_subscribed ${integer} NOT NULL,
        is_automatic ${integer} NOT NULL,
        event_position ${integer} NOT NULL,
        position ${integer} NOT NULL,
        PRIMARY KEY (user_id, room_nid, thread_id)
      )`,
      'CREATE INDEX thread_subscriptions_changed ON thread_subscriptions (user_id, position)',
      'CREATE INDEX thread_subscriptions_touched ON thread_subscriptions (position, user_id)',
      'CREATE INDEX thread_subscriptions_thread ON thread_subscriptions (room_nid, thread_id, is_subscribed)',
    ]),
}
