import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** With which session at a provider people have signed in, so that what was begun with it ends with it. */
export const providerSessions: Migration = {
  name: '0043-provider-sessions',
  breaking: false,
  up: knex =>
    execute(knex, ({ text }) => [
      // origin: the ID of a provider, a space, and a hash of the session there.
      ...['browser_sessions', 'oauth_codes', 'oauth_device_codes', 'one_time_tokens', 'devices'].map(
        table => `ALTER TABLE ${table} ADD COLUMN origin ${text}`,
      ),
      'CREATE INDEX devices_origin ON devices (origin) WHERE origin IS NOT NULL',
      'CREATE INDEX browser_sessions_user ON browser_sessions (user_id)',
      'CREATE INDEX browser_sessions_origin ON browser_sessions (origin) WHERE origin IS NOT NULL',
    ]),
}
