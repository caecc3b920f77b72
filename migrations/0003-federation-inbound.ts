import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** What other servers give us: their keys, and what they sent that is not worked through yet. */
export const federationInbound: Migration = {
  name: '0003-federation-inbound',
  breaking: true,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    `CREATE TABLE server_keys (
      server_name ${text} NOT NULL,
      key_id ${text} NOT NULL,
      public_key ${text} NOT NULL,
      valid_until_ts ${integer} NOT NULL,
      expired_ts ${integer},
      fetched_ts ${integer} NOT NULL,
      PRIMARY KEY (server_name, key_id)
    )${clustered}`,
    // The newest signed document of a server, for those who ask us as a notary.
    `CREATE TABLE server_key_documents (
      server_name ${text} PRIMARY KEY,
      document ${text} NOT NULL,
      valid_until_ts ${integer} NOT NULL,
      fetched_ts ${integer} NOT NULL
    )`,
    // Events that were acknowledged but are not part of their room yet. Removed once they are.
    `CREATE TABLE staged_pdus (
      room_id ${text} NOT NULL,
      event_id ${text} NOT NULL,
      origin ${text} NOT NULL,
      json ${text} NOT NULL,
      received_ts ${integer} NOT NULL,
      ordinal ${integer} NOT NULL,
      PRIMARY KEY (room_id, event_id)
    )`,
    'CREATE INDEX staged_pdus_order ON staged_pdus (received_ts, ordinal)',
    `CREATE TABLE federation_transactions (
      origin ${text} NOT NULL,
      txn_id ${text} NOT NULL,
      response ${text} NOT NULL,
      received_ts ${integer} NOT NULL,
      PRIMARY KEY (origin, txn_id)
    )${clustered}`,
    'CREATE INDEX federation_transactions_age ON federation_transactions (received_ts)',
    // Other servers' events that this server lets into a room and so has to pass on to everybody in it.
    `CREATE TABLE relayed_events (event_nid ${integer} PRIMARY KEY)`,
  ]
}
