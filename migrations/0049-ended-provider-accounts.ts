import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** With which providers users no longer want to sign in, so that nobody is let in by the name that one of them gives. */
export const endedProviderAccounts: Migration = {
  name: '0049-ended-provider-accounts',
  breaking: false,
  up: knex =>
    execute(knex, ({ text, clustered }) => [
      `CREATE TABLE ended_provider_accounts (
        user_id ${text} NOT NULL,
        provider ${text} NOT NULL,
        PRIMARY KEY (user_id, provider)
      )${clustered}`,
    ]),
}
