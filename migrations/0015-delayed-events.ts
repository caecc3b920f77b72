import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Events that users have told the server to send later (MSC4140). */
export const delayedEvents: Migration = {
  name: '0015-delayed-events',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    // position: the stream of events as it was when the event was stored here. wake_ts: when somebody has to look at it
    // (src/storage/due-rows.ts), NULL once it is final. A final one has an event_id if it was sent, an error if it could
    // not be, and neither if it was cancelled.
    `CREATE TABLE delayed_events (
      delay_id ${text} PRIMARY KEY,
      user_id ${text} NOT NULL,
      device_id ${text},
      room_id ${text} NOT NULL,
      type ${text} NOT NULL,
      state_key ${text},
      content ${text} NOT NULL,
      delay_ms ${integer} NOT NULL,
      scheduled_ts ${integer} NOT NULL,
      position ${integer} NOT NULL,
      due_ts ${integer} NOT NULL,
      wake_ts ${integer},
      finalised_ts ${integer},
      event_id ${text},
      error ${text}
    )${clustered}`,
    'CREATE INDEX delayed_events_due ON delayed_events (wake_ts) WHERE wake_ts IS NOT NULL',
    'CREATE INDEX delayed_events_of_user ON delayed_events (user_id, due_ts) WHERE finalised_ts IS NULL',
    'CREATE INDEX delayed_events_final ON delayed_events (user_id, finalised_ts) WHERE finalised_ts IS NOT NULL',
    'CREATE INDEX delayed_events_age ON delayed_events (finalised_ts) WHERE finalised_ts IS NOT NULL',
  ]
}
