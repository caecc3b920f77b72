import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** The time that an application service gives an event which is sent later (MSC4140). */
export const delayedEventTimes: Migration = {
  name: '0051-delayed-event-times',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer }) => [`ALTER TABLE delayed_events ADD COLUMN origin_server_ts ${integer}`]),
}
