import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** Of which version of its user's credentials a login token is, so that it ends with them. Those of before are of no version: they last two minutes. */
export const loginTokenVersions: Migration = {
  name: '0046-login-token-versions',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer }) => [`ALTER TABLE one_time_tokens ADD COLUMN credential_version ${integer}`]),
}
