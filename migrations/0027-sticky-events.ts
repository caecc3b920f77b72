import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/**
 * Sticky events (MSC4354) that have not run out yet. `position` is where clients are told of them on the axis of the
 * events; `stream_position` is of a stream that moves with nothing else, so that nobody looks here for nothing.
 */
export const stickyEvents: Migration = {
  name: '0027-sticky-events',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer, text }) => [
      `CREATE TABLE sticky_events (
        event_nid ${integer} NOT NULL PRIMARY KEY,
        room_nid ${integer} NOT NULL,
        sender ${text} NOT NULL,
        is_own ${integer} NOT NULL,
        position ${integer} NOT NULL,
        expires_ts ${integer} NOT NULL,
        stream_position ${integer} NOT NULL
      )`,
      'CREATE INDEX sticky_events_room ON sticky_events (room_nid, position)',
      'CREATE INDEX sticky_events_expiry ON sticky_events (expires_ts)',
      'CREATE INDEX sticky_events_stream ON sticky_events (stream_position)',
      `ALTER TABLE delayed_events ADD COLUMN sticky_duration_ms ${integer}`,
    ]),
}
