import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** E-mail addresses of accounts, how they are validated, and where they were bound. */
export const thirdPartyIds: Migration = {
  name: '0017-third-party-ids',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer, text, clustered }) => [
      // An address belongs to one account at most.
      `CREATE TABLE user_threepids (
        medium ${text} NOT NULL,
        address ${text} NOT NULL,
        user_id ${text} NOT NULL,
        validated_ts ${integer} NOT NULL,
        added_ts ${integer} NOT NULL,
        PRIMARY KEY (medium, address)
      )${clustered}`,
      'CREATE INDEX user_threepids_user ON user_threepids (user_id)',
      // What users have bound through us, so that it can be unbound.
      `CREATE TABLE threepid_bindings (
        user_id ${text} NOT NULL,
        medium ${text} NOT NULL,
        address ${text} NOT NULL,
        id_server ${text} NOT NULL,
        bound_ts ${integer} NOT NULL,
        PRIMARY KEY (user_id, medium, address, id_server)
      )${clustered}`,
      // sent_ts and mails count what the address was sent; validated_ts is set by whoever follows the link.
      `CREATE TABLE email_validations (
        sid ${text} PRIMARY KEY,
        purpose ${text} NOT NULL,
        address ${text} NOT NULL,
        secret_hash ${text} NOT NULL,
        send_attempt ${integer} NOT NULL,
        next_link ${text},
        mails ${integer} NOT NULL,
        sent_ts ${integer} NOT NULL,
        validated_ts ${integer},
        created_ts ${integer} NOT NULL,
        expires_ts ${integer} NOT NULL,
        UNIQUE (purpose, address, secret_hash)
      )${clustered}`,
      'CREATE INDEX email_validations_address ON email_validations (address, sent_ts)',
      'CREATE INDEX email_validations_created ON email_validations (created_ts)',
      'CREATE INDEX email_validations_expiry ON email_validations (expires_ts)',
      // The validated address that an interactive session has shown.
      `ALTER TABLE uia_sessions ADD COLUMN email_sid ${text}`,
    ]),
}
