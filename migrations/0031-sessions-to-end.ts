import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** Users whose devices a command of the operator has logged out (`cleanup` = 2), until the server has removed these. */
export const sessionsToEnd: Migration = {
  name: '0031-sessions-to-end',
  breaking: false,
  up: knex =>
    execute(knex, () => ['CREATE INDEX users_sessions_to_end ON users (user_id) WHERE cleanup = 2']),
}
