import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** Accounts elsewhere by which people sign in, and sign-ins that are on the way. */
export const providerAccounts: Migration = {
  name: '0039-provider-accounts',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer, text, clustered }) => [
      // An account here has at most one at each provider.
      `CREATE TABLE provider_accounts (
        provider ${text} NOT NULL,
        subject ${text} NOT NULL,
        user_id ${text} NOT NULL,
        linked_ts ${integer} NOT NULL,
        PRIMARY KEY (provider, subject),
        UNIQUE (user_id, provider)
      )${clustered}`,
      // details is JSON: of a sign-in that has begun what it is recognised by, of a newcomer what the provider says.
      `CREATE TABLE provider_sign_ins (
        token_hash ${text} PRIMARY KEY,
        provider ${text} NOT NULL,
        browser_hash ${text} NOT NULL,
        details ${text} NOT NULL,
        created_ts ${integer} NOT NULL,
        expires_ts ${integer} NOT NULL
      )${clustered}`,
      'CREATE INDEX provider_sign_ins_created ON provider_sign_ins (created_ts)',
    ]),
}
