import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** Of rooms that were removed, who of this server was in them: what their clients that were away are told. */
export const removedMemberships: Migration = {
  name: '0047-removed-memberships',
  breaking: false,
  up: knex =>
    execute(knex, ({ integer, text, clustered }) => [
      // position is in the stream `invites`; told_before and event_position are in `events`.
      `CREATE TABLE removed_memberships (
        user_id ${text} NOT NULL,
        room_id ${text} NOT NULL,
        position ${integer} NOT NULL,
        told_before ${integer} NOT NULL,
        event_position ${integer} NOT NULL,
        membership ${text} NOT NULL,
        sender ${text} NOT NULL,
        event_id ${text} NOT NULL,
        ts ${integer} NOT NULL,
        removed_ts ${integer} NOT NULL,
        PRIMARY KEY (user_id, room_id)
      )${clustered}`,
      'CREATE INDEX removed_memberships_position ON removed_memberships (position)',
    ]),
}
