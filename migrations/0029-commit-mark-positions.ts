import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** How far a commit that was never answered has moved its streams: see src/storage/dialect/commit-marks.ts. */
export const commitMarkPositions: Migration = {
  name: '0029-commit-mark-positions',
  breaking: false,
  up: knex => execute(knex, columns),
}

const columns = ({ text }: SqlTypes): string[] => [`ALTER TABLE commit_marks ADD COLUMN positions ${text}`]
