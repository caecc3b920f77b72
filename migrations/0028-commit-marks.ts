import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** By which a process knows whether a commit happened that was never answered: see src/storage/dialect/commit-marks.ts. */
export const commitMarks: Migration = {
  name: '0028-commit-marks',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => [
  // One row for each process, with the number of its last commit. Those of processes that are gone go after a week.
  `CREATE TABLE commit_marks (
    process ${text} PRIMARY KEY,
    serial ${integer} NOT NULL,
    marked_ts ${integer} NOT NULL
  )${clustered}`,
]
