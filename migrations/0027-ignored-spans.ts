import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** Beside a list of ignored users (as JSON text): of which stretches of the stream `events` they are not heard. */
export const ignoredSpans: Migration = {
  name: '0027-ignored-spans',
  breaking: false,
  up: knex => execute(knex, () => ['ALTER TABLE account_data ADD COLUMN ignored_spans TEXT']),
}
