import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Where rooms' timelines lack events in the middle, and positions that are kept free for them. */
export const timelineGaps: Migration = {
  name: '0038-timeline-gaps',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, clustered }: SqlTypes): string[] => [
  // Free are the positions after base and before floor: that of the oldest event above them, at first of the one that told of
  // the gap. What is missing there, events from floor up to top refer to (backward_extremities).
  `CREATE TABLE timeline_gaps (
    room_nid ${integer} NOT NULL,
    base ${integer} NOT NULL,
    floor ${integer} NOT NULL,
    top ${integer} NOT NULL,
    opened_ts ${integer} NOT NULL,
    PRIMARY KEY (room_nid, base)
  )${clustered}`,
  // Counts how often something was filled in, by which what is remembered of the states in between ceases to hold.
  `ALTER TABLE rooms ADD COLUMN refills ${integer} NOT NULL DEFAULT 0`,
]
