import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Which process does what only one may do: see src/storage/leases.ts. */
export const leases: Migration = {
  name: '0020-leases',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => [
  `CREATE TABLE leases (
    name ${text} PRIMARY KEY,
    holder ${text} NOT NULL,
    fence ${integer} NOT NULL,
    held_until_ts ${integer} NOT NULL
  )${clustered}`,
]
