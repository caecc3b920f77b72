import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** What waits for application services, and the rooms of the networks that they bridge. */
export const appServices: Migration = {
  name: '0016-app-services',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => [
  // The one transaction that is under way to a service; body is what is sent, the same each time.
  `CREATE TABLE app_service_transactions (
    service_id ${text} PRIMARY KEY,
    txn_id ${text} NOT NULL,
    body ${text} NOT NULL,
    created_ts ${integer} NOT NULL
  )`,
  // instance_id names a network of a service.
  `CREATE TABLE app_service_rooms (
    instance_id ${text} NOT NULL,
    room_nid ${integer} NOT NULL,
    PRIMARY KEY (instance_id, room_nid)
  )${clustered}`,
  'CREATE INDEX app_service_rooms_room ON app_service_rooms (room_nid)',
]
