import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { isOfServer, objectOf, those } from './readable.ts'
import { tableStep } from './table-step.ts'

interface VersionRow {
  readonly user_id: string
  readonly version: number
  readonly algorithm: string
  readonly auth_data: string
  readonly deleted: number
  readonly etag: number | null
  readonly keys: number
}

/** Versions of key backups. Of deleted ones the newest is known still, so that its number is not given again. */
export const keyBackups = tableStep<VersionRow>({
  name: 'key backups',
  table: 'e2e_room_keys_versions',
  query: () => ({
    from: 'e2e_room_keys_versions v',
    columns: [
      ...['v.user_id AS user_id', 'v.version AS version', 'v.algorithm AS algorithm'],
      ...['v.auth_data AS auth_data', 'v.deleted AS deleted', 'v.etag AS etag'],
      '(SELECT count(*) FROM e2e_room_keys k WHERE k.user_id = v.user_id AND k.version = v.version) AS keys',
    ],
    key: [
      { column: 'v.user_id', name: 'user_id' },
      { column: 'v.version', name: 'version' },
    ],
    where:
      'v.deleted = 0 OR v.version = (SELECT max(n.version) FROM e2e_room_keys_versions n WHERE n.user_id = v.user_id)',
  }),
  begin: ({ db, serverName }, progress) => {
    const insert = new BulkInsert(db, 'key_backups', [
      ...['user_id', 'version', 'algorithm', 'auth_data', 'etag', 'key_count', 'deleted'],
    ])
    return rows => {
      const usable = those(
        rows,
        row =>
          isOfServer(row.user_id, serverName) && (row.deleted !== 0 || objectOf(row.auth_data) !== undefined),
        count => progress.left('key backups that cannot be read', count),
      )
      progress.came('key backups', usable.filter(row => row.deleted === 0).length)
      return [
        insert.rows(
          usable.map(row => ({
            user_id: row.user_id,
            version: row.version,
            algorithm: row.algorithm,
            auth_data: row.deleted === 0 ? row.auth_data : '{}',
            etag: row.etag ?? 0,
            key_count: row.deleted === 0 ? row.keys : 0,
            deleted: row.deleted === 0 ? 0 : 1,
          })),
        ),
      ]
    }
  },
})

interface BackedUpRow {
  readonly user_id: string
  readonly version: number
  readonly room_id: string
  readonly session_id: string
  readonly first_message_index: number | null
  readonly forwarded_count: number | null
  readonly is_verified: number | null
  readonly session_data: string
}

/** The keys in them. */
export const backedUpKeys = tableStep<BackedUpRow>({
  name: 'backed-up keys',
  table: 'e2e_room_keys',
  query: () => ({
    from: `e2e_room_keys k JOIN e2e_room_keys_versions v
      ON v.user_id = k.user_id AND v.version = k.version AND v.deleted = 0`,
    columns: [
      ...[
        'k.user_id AS user_id',
        'k.version AS version',
        'k.room_id AS room_id',
        'k.session_id AS session_id',
      ],
      ...['k.first_message_index AS first_message_index', 'k.forwarded_count AS forwarded_count'],
      ...['k.is_verified AS is_verified', 'k.session_data AS session_data'],
    ],
    key: ['user_id', 'version', 'room_id', 'session_id'].map(name => ({ column: `k.${name}`, name })),
  }),
  begin: ({ db, serverName }, progress) => {
    const insert = new BulkInsert(db, 'backed_up_keys', [
      ...['user_id', 'version', 'room_id', 'session_id', 'first_message_index', 'forwarded_count'],
      ...['is_verified', 'session_data'],
    ])
    return rows => {
      const usable = those(
        rows,
        row => isOfServer(row.user_id, serverName) && objectOf(row.session_data) !== undefined,
        count => progress.left('backed-up keys that cannot be read', count),
      )
      progress.came('backed-up keys', usable.length)
      return [
        insert.rows(
          usable.map(row => ({
            ...row,
            first_message_index: row.first_message_index ?? 0,
            forwarded_count: row.forwarded_count ?? 0,
            is_verified: row.is_verified ? 1 : 0,
          })),
        ),
      ]
    }
  },
})
