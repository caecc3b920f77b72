import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** Logins that end by themselves are found by when they do. */
export const expiringLogins: Migration = {
  name: '0026-expiring-logins',
  breaking: false,
  up: knex =>
    execute(knex, () => [
      `CREATE INDEX access_tokens_expiry ON access_tokens (expires_ts)
         WHERE expires_ts IS NOT NULL AND refresh_hash IS NULL`,
    ]),
}
