import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Stays in rooms that ended before their members were known. */
export const unfinishedStays: Migration = {
  name: '0036-unfinished-stays',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, clustered }: SqlTypes): string[] => [
  // Positions of the stream events: that of the join, and the first one for which the lack is over. No state in between is whole.
  `CREATE TABLE unfinished_stays (
    room_nid ${integer} NOT NULL,
    joined_at ${integer} NOT NULL,
    ended_at ${integer} NOT NULL,
    PRIMARY KEY (room_nid, joined_at)
  )${clustered}`,
]
