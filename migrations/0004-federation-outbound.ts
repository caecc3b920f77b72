import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** What is still to be sent to other servers, as positions and references, and which of them do not answer. */
export const federationOutbound: Migration = {
  name: '0004-federation-outbound',
  breaking: true,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    // One row: how far the stream of events has been distributed to the destinations.
    `CREATE TABLE federation_sender (id ${integer} PRIMARY KEY, position ${integer} NOT NULL)`,
    // One row for each server that was ever sent something; the oldest successes are forgotten after some months.
    `CREATE TABLE federation_destinations (
      server ${text} PRIMARY KEY,
      acknowledged ${integer} NOT NULL,
      last_success_ts ${integer},
      failures ${integer} NOT NULL,
      first_failed_ts ${integer},
      last_failed_ts ${integer},
      retry_ts ${integer}
    )`,
    'CREATE INDEX federation_destinations_failing ON federation_destinations (retry_ts) WHERE retry_ts IS NOT NULL',
    // What a server has not acknowledged: from the first to the newest event of a room. Gone once acknowledged.
    `CREATE TABLE federation_destination_rooms (
      server ${text} NOT NULL,
      room_nid ${integer} NOT NULL,
      since ${integer} NOT NULL,
      position ${integer} NOT NULL,
      PRIMARY KEY (server, room_nid)
    )${clustered}`,
    // Ephemeral messages that must arrive all the same: one copy, and who has not acknowledged it.
    `CREATE TABLE federation_edus (position ${integer} PRIMARY KEY, payload ${text} NOT NULL, created_ts ${integer} NOT NULL)`,
    'CREATE INDEX federation_edus_age ON federation_edus (created_ts)',
    `CREATE TABLE federation_edu_destinations (
      server ${text} NOT NULL,
      position ${integer} NOT NULL,
      edu_key ${text},
      PRIMARY KEY (server, position)
    )${clustered}`,
    'CREATE INDEX federation_edu_destinations_edu ON federation_edu_destinations (position)',
    `CREATE INDEX federation_edu_destinations_key ON federation_edu_destinations (server, edu_key)
      WHERE edu_key IS NOT NULL`,
  ]
}
