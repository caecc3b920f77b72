import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { tableStep } from './table-step.ts'

interface UserRow {
  readonly name: string
  readonly password_hash: string | null
  readonly creation_ts: number | null
  readonly admin: number
  readonly is_guest: number
  readonly deactivated: number
  readonly shadow_banned: number | null
  readonly locked: number | null
  readonly suspended: number | null
  readonly user_type: string | null
  readonly erased: number | null
  readonly pending: number | null
  readonly rate: number | null
  readonly burst: number | null
}

const COLUMNS = [
  ...['user_id', 'password_hash', 'kind', 'is_admin', 'is_locked', 'is_suspended', 'is_shadow_banned'],
  ...[
    'created_ts',
    'deactivated_ts',
    'erase',
    'cleanup',
    'credential_version',
    'erased_position',
    'user_type',
  ],
  ...['message_rate', 'message_burst'],
]

/** The accounts themselves: hashes of passwords, and what an account may and may not. */
export const users = tableStep<UserRow>({
  name: 'accounts',
  table: 'users',
  query: ({ source }) => {
    const suspended = source.has('users', 'suspended') ? 'suspended' : '0'
    const locked = source.has('users', 'locked') ? 'locked' : '0'
    return {
      from: 'users',
      columns: [
        ...[
          'name',
          'password_hash',
          'creation_ts',
          'admin',
          'is_guest',
          'deactivated',
          'shadow_banned',
          'user_type',
        ],
        `${locked} AS locked`,
        `${suspended} AS suspended`,
        '(SELECT count(*) FROM erased_users e WHERE e.user_id = users.name) AS erased',
        '(SELECT count(*) FROM users_pending_deactivation p WHERE p.user_id = users.name) AS pending',
        '(SELECT max(messages_per_second) FROM ratelimit_override r WHERE r.user_id = users.name) AS rate',
        '(SELECT max(burst_count) FROM ratelimit_override r WHERE r.user_id = users.name) AS burst',
      ],
      key: ['name'],
      where: 'name IS NOT NULL',
    }
  },
  begin: ({ db, serverName, now }, progress) => {
    const insert = new BulkInsert(db, 'users', COLUMNS)
    return rows => {
      const local = rows.filter(({ name }) => name.startsWith('@') && name.endsWith(`:${serverName}`))
      progress.left('accounts of another server name', rows.length - local.length)
      progress.came('accounts', local.length)
      return [insert.rows(local.map(row => account(row, now)))]
    }
  },
})

const account = (row: UserRow, now: number): Record<string, string | number | null> => {
  // Synapse counts seconds here.
  const created = row.creation_ts === null ? now : Number(row.creation_ts) * 1000
  const isGone = Number(row.deactivated) !== 0 || Number(row.pending) !== 0
  const isErased = isGone && Number(row.erased) !== 0
  return {
    user_id: row.name,
    password_hash: isGone || row.password_hash === '' ? null : row.password_hash,
    kind: row.is_guest ? 'guest' : 'user',
    is_admin: row.admin ? 1 : 0,
    is_locked: row.locked ? 1 : 0,
    is_suspended: row.suspended ? 1 : 0,
    is_shadow_banned: row.shadow_banned ? 1 : 0,
    created_ts: created,
    deactivated_ts: isGone ? now : null,
    erase: isErased ? 1 : 0,
    // One that was only half deactivated leaves its rooms when the server starts.
    cleanup: Number(row.pending) === 0 ? 0 : 1,
    credential_version: 0,
    user_type: row.user_type,
    message_rate: row.rate === null ? null : Number(row.rate),
    message_burst: row.rate === null ? null : Number(row.burst ?? 0),
  }
}
