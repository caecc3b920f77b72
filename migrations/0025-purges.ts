import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** How far the history of rooms was purged, and what operators have asked to be purged. */
export const purges: Migration = {
  name: '0025-purges',
  // A program that does not know of the boundary would fetch back what is beyond it.
  breaking: true,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => [
  // Nothing at or below position purged_to is part of the timeline. Events of a depth up to purged_depth that were sent
  // before purged_before belong there.
  `ALTER TABLE rooms ADD COLUMN purged_to ${integer}`,
  `ALTER TABLE rooms ADD COLUMN purged_depth ${integer}`,
  `ALTER TABLE rooms ADD COLUMN purged_before ${integer}`,
  'CREATE INDEX event_state_delta_state ON event_state_delta (state_event_nid) WHERE state_event_nid IS NOT NULL',
  // before_ts: what was sent before is to go; NULL: the whole room. forced: local users leave it first. due_ts and wake_ts:
  // see storage/due-rows.ts; wake_ts is NULL once it is done, with what went, or why nothing did, in the last columns.
  `CREATE TABLE room_purges (
    purge_id ${text} PRIMARY KEY,
    room_id ${text} NOT NULL,
    before_ts ${integer},
    forced ${integer} NOT NULL,
    due_ts ${integer} NOT NULL,
    wake_ts ${integer},
    done_ts ${integer},
    events ${integer} NOT NULL,
    bytes ${integer} NOT NULL,
    files ${integer} NOT NULL,
    refusal ${text}
  )${clustered}`,
  'CREATE INDEX room_purges_wake ON room_purges (wake_ts) WHERE wake_ts IS NOT NULL',
  'CREATE INDEX room_purges_done ON room_purges (done_ts) WHERE done_ts IS NOT NULL',
]
