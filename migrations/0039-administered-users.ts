import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** What administrators note of accounts, and sessions in which they act as somebody else. */
export const administeredUsers: Migration = {
  name: '0039-administered-users',
  breaking: false,
  up: knex => execute(knex, statements),
}

const statements = ({ integer, text }: SqlTypes): string[] => [
  // What kind of account it is to administrators (bot, support); it has no effect.
  `ALTER TABLE users ADD COLUMN user_type ${text}`,
  // Events that may be sent per second, and at once, in place of the settings; 0 per second: nothing is limited.
  `ALTER TABLE users ADD COLUMN message_rate ${integer}`,
  `ALTER TABLE users ADD COLUMN message_burst ${integer}`,
  // The administrator who has been given a token of somebody else's; such tokens have no device ('').
  `ALTER TABLE access_tokens ADD COLUMN administrator ${text}`,
  'CREATE INDEX access_tokens_administrator ON access_tokens (administrator) WHERE administrator IS NOT NULL',
]
