import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** What processes that share a database tell each other: see src/services/bulletin.ts. */
export const bulletins: Migration = {
  name: '0024-bulletins',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered, isPostgres }: SqlTypes): string[] => [
  // content is JSON. A row goes after some minutes.
  `CREATE TABLE bulletins (
    position ${integer} PRIMARY KEY,
    topic ${text} NOT NULL,
    content ${text} NOT NULL,
    posted_ts ${integer} NOT NULL
  )${clustered}`,
  // Where it starts is ahead of all tokens of /sync that name an instant instead, as those of a single process do.
  `INSERT INTO streams (name, position) VALUES ('bulletins', ${
    isPostgres
      ? 'CAST(extract(epoch FROM now()) * 1000 AS bigint)'
      : "CAST(strftime('%s', 'now') AS integer) * 1000"
  })`,
]
