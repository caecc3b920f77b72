import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** What the first request of a registration has asked for: later ones of the same session need not say it again. */
export const registrationWishes: Migration = {
  name: '0043-registration-wishes',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ text }: SqlTypes): string[] => [`ALTER TABLE uia_sessions ADD COLUMN wish ${text}`]
