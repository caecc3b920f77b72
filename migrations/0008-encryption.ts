import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** End-to-end encryption: keys and signatures, messages to devices, changes of device lists, backups of room keys. */
export const encryption: Migration = {
  name: '0008-encryption',
  breaking: true,
  up: knex => execute(knex, types => [...keys(types), ...news(types), ...remote(types), ...backups(types)]),
}

const keys = ({ integer, text, clustered }: SqlTypes): string[] => [
  // Identity keys of local users' devices, as they were uploaded.
  `CREATE TABLE device_keys (
    user_id ${text} NOT NULL,
    device_id ${text} NOT NULL,
    json ${text} NOT NULL,
    PRIMARY KEY (user_id, device_id)
  )`,
  // A key that was given out stays for a while, so that an upload that is repeated does not bring it back.
  `CREATE TABLE one_time_keys (
    user_id ${text} NOT NULL,
    device_id ${text} NOT NULL,
    algorithm ${text} NOT NULL,
    key_id ${text} NOT NULL,
    ordinal ${integer} NOT NULL,
    json ${text} NOT NULL,
    claimed_ts ${integer},
    PRIMARY KEY (user_id, device_id, algorithm, key_id)
  )`,
  `CREATE INDEX one_time_keys_unclaimed ON one_time_keys (user_id, device_id, algorithm, ordinal, key_id)
    WHERE claimed_ts IS NULL`,
  `CREATE TABLE fallback_keys (
    user_id ${text} NOT NULL,
    device_id ${text} NOT NULL,
    algorithm ${text} NOT NULL,
    key_id ${text} NOT NULL,
    json ${text} NOT NULL,
    used ${integer} NOT NULL,
    PRIMARY KEY (user_id, device_id, algorithm)
  )${clustered}`,
  // Of local and remote users. usage: master, self_signing, user_signing.
  `CREATE TABLE cross_signing_keys (
    user_id ${text} NOT NULL,
    usage ${text} NOT NULL,
    public_key ${text} NOT NULL,
    json ${text} NOT NULL,
    PRIMARY KEY (user_id, usage)
  )${clustered}`,
  // What local users have signed beyond the keys as they were uploaded. target_key: a device ID or a public key.
  `CREATE TABLE key_signatures (
    target_user ${text} NOT NULL,
    target_key ${text} NOT NULL,
    signer_user ${text} NOT NULL,
    signer_key ${text} NOT NULL,
    signature ${text} NOT NULL,
    PRIMARY KEY (target_user, signer_user, target_key, signer_key)
  )${clustered}`,
  'CREATE INDEX key_signatures_signer ON key_signatures (signer_user, signer_key)',
  // At most one for each user; device_data is JSON.
  `CREATE TABLE dehydrated_devices (
    user_id ${text} PRIMARY KEY,
    device_id ${text} NOT NULL,
    device_data ${text} NOT NULL
  )`,
]

const news = ({ integer, text, clustered }: SqlTypes): string[] => [
  // Waiting for their devices, until those have acknowledged them. Several devices may share a position.
  `CREATE TABLE to_device_messages (
    user_id ${text} NOT NULL,
    device_id ${text} NOT NULL,
    position ${integer} NOT NULL,
    sender ${text} NOT NULL,
    type ${text} NOT NULL,
    content ${text} NOT NULL,
    received_ts ${integer} NOT NULL,
    PRIMARY KEY (user_id, device_id, position)
  )`,
  'CREATE INDEX to_device_messages_position ON to_device_messages (position)',
  'CREATE INDEX to_device_messages_age ON to_device_messages (received_ts)',
  // Messages of other servers that have arrived, since servers may send them twice.
  `CREATE TABLE received_to_device (
    origin ${text} NOT NULL,
    message_id ${text} NOT NULL,
    received_ts ${integer} NOT NULL,
    PRIMARY KEY (origin, message_id)
  )${clustered}`,
  'CREATE INDEX received_to_device_age ON received_to_device (received_ts)',
  // One row is one change, of local and remote users. device_id is empty for cross-signing keys. audience: the only
  // user whom it concerns, who has signed the other's key.
  `CREATE TABLE device_list_changes (
    position ${integer} PRIMARY KEY,
    user_id ${text} NOT NULL,
    device_id ${text} NOT NULL,
    audience ${text},
    changed_ts ${integer} NOT NULL
  )`,
  'CREATE INDEX device_list_changes_user ON device_list_changes (user_id, position)',
  'CREATE INDEX device_list_changes_age ON device_list_changes (changed_ts)',
  'CREATE INDEX memberships_room_changed ON memberships (room_nid, position)',
]

const remote = ({ integer, text, clustered }: SqlTypes): string[] => [
  // Remote users whose devices are kept here. stale = 1: something was missed, and they have to be asked for again.
  `CREATE TABLE remote_device_lists (
    user_id ${text} PRIMARY KEY,
    host ${text} NOT NULL,
    stream_id ${integer} NOT NULL,
    stale ${integer} NOT NULL,
    version ${integer} NOT NULL
  )${clustered}`,
  'CREATE INDEX remote_device_lists_stale ON remote_device_lists (host, user_id) WHERE stale = 1',
  `CREATE TABLE remote_devices (
    user_id ${text} NOT NULL,
    device_id ${text} NOT NULL,
    display_name ${text},
    json ${text} NOT NULL,
    PRIMARY KEY (user_id, device_id)
  )`,
]

const backups = ({ integer, text }: SqlTypes): string[] => [
  // Deleted versions stay as empty rows: a version is never given out twice.
  `CREATE TABLE key_backups (
    user_id ${text} NOT NULL,
    version ${integer} NOT NULL,
    algorithm ${text} NOT NULL,
    auth_data ${text} NOT NULL,
    etag ${integer} NOT NULL,
    key_count ${integer} NOT NULL,
    deleted ${integer} NOT NULL,
    PRIMARY KEY (user_id, version)
  )`,
  `CREATE TABLE backed_up_keys (
    user_id ${text} NOT NULL,
    version ${integer} NOT NULL,
    room_id ${text} NOT NULL,
    session_id ${text} NOT NULL,
    first_message_index ${integer} NOT NULL,
    forwarded_count ${integer} NOT NULL,
    is_verified ${integer} NOT NULL,
    session_data ${text} NOT NULL,
    PRIMARY KEY (user_id, version, room_id, session_id)
  )`,
]
