import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { isOfServer, jsonOf, those } from './readable.ts'
import type { ImportWorld } from './step.ts'
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
  readonly approved: number | null
  readonly suspended: number | null
  readonly user_type: string | null
  readonly consent_version: string | null
  readonly erased: number
  readonly pending: number
  readonly rate: number | null
  readonly burst: number | null
  readonly displayname: string | null
  readonly avatar_url: string | null
  readonly fields: string | null
}

const COLUMNS = [
  ...['user_id', 'password_hash', 'kind', 'is_admin', 'is_locked', 'is_suspended', 'is_shadow_banned'],
  ...['created_ts', 'deactivated_ts', 'erase', 'cleanup', 'credential_version', 'user_type'],
  ...['message_rate', 'message_burst', 'accepted_terms'],
]

const of = (table: string, what: string): string =>
  `(SELECT ${what} FROM ${table} x WHERE x.user_id = u.name)`

const query = ({ source }: ImportWorld) => ({
  from: 'users u LEFT JOIN profiles p ON p.full_user_id = u.name',
  columns: [
    ...['u.name AS name', 'u.password_hash', 'u.creation_ts', 'u.admin', 'u.is_guest', 'u.deactivated'],
    ...['u.shadow_banned', 'u.user_type', 'p.displayname', 'p.avatar_url'],
    source.has('profiles', 'fields') ? 'p.fields' : 'NULL AS fields',
    source.has('users', 'consent_version') ? 'u.consent_version' : 'NULL AS consent_version',
    source.has('users', 'locked') ? 'u.locked' : '0 AS locked',
    source.has('users', 'approved') ? 'u.approved' : 'NULL AS approved',
    source.has('users', 'suspended') ? 'u.suspended' : '0 AS suspended',
    `${of('erased_users', 'count(*)')} AS erased`,
    `${of('users_pending_deactivation', 'count(*)')} AS pending`,
    `${of('ratelimit_override', 'max(messages_per_second)')} AS rate`,
    `${of('ratelimit_override', 'max(burst_count)')} AS burst`,
  ],
  key: [{ column: 'u.name', name: 'name' }],
  where: 'u.name IS NOT NULL',
})

/** The accounts themselves: hashes of passwords, what an account may and may not, and how its owner is shown. */
export const users = tableStep<UserRow>({
  name: 'accounts',
  table: 'users',
  query,
  begin: ({ db, serverName, now, mas }, progress) => {
    const insert = new BulkInsert(db, 'users', COLUMNS)
    const profiles = new BulkInsert(db, 'profiles', [
      ...['user_id', 'displayname', 'avatar_url', 'fields', 'position'],
    ])
    return rows => {
      const local = those(
        rows,
        ({ name }) => isOfServer(name, serverName),
        count => progress.left('accounts under another server name', count),
      )
      progress.came('accounts', local.length)
      progress.came('of these locked, since nobody has approved of them yet', local.filter(isWaiting).length)
      // Since Synapse leaves signing in to another, passwords may have been changed there.
      const signIn = mas === undefined ? local : local.map(row => ({ ...row, password_hash: null }))
      return [
        insert.rows(signIn.map(row => account(row, now))),
        profiles.rows(
          local.map((row, offset) => ({
            user_id: row.name,
            displayname: row.displayname,
            avatar_url: row.avatar_url,
            fields: JSON.stringify(fieldsOf(row, count => progress.left(NO_FIELD, count))),
            position: { stream: 'profiles', offset },
          })),
        ),
      ]
    }
  },
})

/** Where Synapse wants accounts to be approved of, nobody can use one before (MSC3866). */
const isWaiting = ({ approved }: UserRow): boolean => approved !== null && Number(approved) === 0

const account = (row: UserRow, now: number): Record<string, string | number | null> => {
  // Synapse counts seconds here.
  const created = row.creation_ts === null ? now : Number(row.creation_ts) * 1000
  const isPending = Number(row.pending) !== 0
  const isGone = Number(row.deactivated) !== 0 || isPending
  return {
    user_id: row.name,
    password_hash: isGone || row.password_hash === '' ? null : row.password_hash,
    kind: row.is_guest ? 'guest' : 'user',
    is_admin: row.admin ? 1 : 0,
    is_locked: row.locked || isWaiting(row) ? 1 : 0,
    is_suspended: row.suspended ? 1 : 0,
    is_shadow_banned: row.shadow_banned ? 1 : 0,
    created_ts: created,
    deactivated_ts: isGone ? now : null,
    erase: isGone && Number(row.erased) !== 0 ? 1 : 0,
    // One that was only half deactivated leaves its rooms when the server starts.
    cleanup: isPending ? 1 : 0,
    credential_version: 0,
    user_type: row.user_type,
    message_rate: row.rate === null ? null : Number(row.rate),
    message_burst: row.rate === null ? null : Number(row.burst ?? 0),
    // Synapse knows one document, and calls it that where it asks at registration.
    accepted_terms:
      row.consent_version === null ? null : JSON.stringify({ privacy_policy: row.consent_version }),
  }
}

const NO_FIELD = 'custom fields of profiles whose names or values are none by the specification'
const KEY = /^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+$/

const fieldsOf = ({ fields }: UserRow, left: (count: number) => void): JsonObject => {
  const read = fields === null ? {} : jsonOf(fields)
  if (!isJsonObject(read)) {
    left(1)
    return {}
  }
  const all = Object.entries(read)
  return Object.fromEntries(those(all, ([key]) => KEY.test(key) || key === 'm.tz', left))
}
