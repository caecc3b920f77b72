import type { Database, WriteStatement } from '../../storage/database.ts'
import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { hashToken } from '../accounts/secrets.ts'
import { isOfServer, those } from './readable.ts'
import type { ImportWorld } from './step.ts'
import { tableStep } from './table-step.ts'

interface DeviceRow {
  readonly user_id: string
  readonly device_id: string
  readonly display_name: string | null
  readonly last_seen: number | null
  readonly ip: string | null
  readonly user_agent: string | null
}

const DEVICE_COLUMNS = [
  ...['user_id', 'device_id', 'display_name', 'created_ts'],
  ...['last_seen_ts', 'last_seen_ip', 'last_seen_user_agent'],
]

/** Devices. Hidden ones are cross-signing keys, which Synapse keeps there so that no device takes their names. */
export const devices = tableStep<DeviceRow>({
  name: 'devices',
  table: 'devices',
  query: ({ source }) => ({
    from: 'devices',
    columns: ['user_id', 'device_id', 'display_name', 'last_seen', 'ip', 'user_agent'],
    key: ['user_id', 'device_id'],
    where: source.kind === 'sqlite' ? 'coalesce(hidden, 0) = 0' : 'hidden IS NOT TRUE',
  }),
  begin: ({ db, serverName, now }, progress) => {
    const insert = new BulkInsert(db, 'devices', DEVICE_COLUMNS)
    return rows => {
      const local = those(
        rows,
        row => isOfServer(row.user_id, serverName),
        count => progress.left('devices of accounts under another server name', count),
      )
      progress.came('devices', local.length)
      return [
        insert.rows(
          local.map(row => ({
            user_id: row.user_id,
            device_id: row.device_id,
            display_name: row.display_name,
            created_ts: row.last_seen ?? now,
            last_seen_ts: row.last_seen,
            last_seen_ip: row.ip,
            last_seen_user_agent: row.user_agent,
          })),
        ),
      ]
    }
  },
})

interface AccessRow {
  readonly id: number
  readonly user_id: string
  readonly device_id: string | null
  readonly token: string
  readonly valid_until_ms: number | null
  readonly puppets_user_id: string | null
  readonly used: number | null
  readonly refresh_token: string | null
  readonly expiry_ts: number | null
  readonly ultimate_session_expiry_ts: number | null
  readonly previous: string | null
}

const TOKEN_COLUMNS = [
  ...['token_hash', 'user_id', 'device_id', 'created_ts', 'expires_ts'],
  ...['refresh_hash', 'refresh_expires_ts', 'supersedes', 'administrator'],
]

/**
 * Access tokens, with the refresh tokens that were handed out beside them: the clients that hold them stay logged in. Only hashes
 * are kept. Those of guests are nowhere at Synapse's.
 */
export const accessTokens = tableStep<AccessRow>({
  name: 'sessions',
  table: 'access_tokens',
  query: () => ({
    // The pair that this one was refreshed from is good until this one is used.
    from: `access_tokens a LEFT JOIN refresh_tokens r ON r.id = a.refresh_token_id
      LEFT JOIN refresh_tokens p ON p.next_token_id = r.id
      LEFT JOIN access_tokens b ON b.refresh_token_id = p.id`,
    columns: [
      ...['a.id AS id', 'a.user_id AS user_id', 'a.device_id AS device_id', 'a.token AS token'],
      ...['a.valid_until_ms AS valid_until_ms', 'a.puppets_user_id AS puppets_user_id', 'a.used AS used'],
      ...['r.token AS refresh_token', 'r.expiry_ts AS expiry_ts', 'b.token AS previous'],
      'r.ultimate_session_expiry_ts AS ultimate_session_expiry_ts',
    ],
    key: [{ column: 'a.id', name: 'id' }],
  }),
  begin: ({ db, serverName, now }, progress) => {
    const device = new BulkInsert(db, 'devices', ['user_id', 'device_id', 'created_ts'])
    const insert = new BulkInsert(db, 'access_tokens', TOKEN_COLUMNS)
    return rows => {
      const local = those(
        rows,
        row => isOfServer(row.user_id, serverName),
        count => progress.left('sessions of accounts under another server name', count),
      )
      const good = those(
        local,
        row => row.refresh_token !== null || row.valid_until_ms === null || row.valid_until_ms > now,
        count => progress.left('sessions that have expired', count),
      )
      progress.came('sessions (access tokens)', good.length)
      return [
        device.rows(good.flatMap(row => deviceOf(row, now))),
        insert.rows(good.map(row => pair(row, now))),
      ]
    }
  },
})

/** The device of a token, in case that it is not among the devices. */
const deviceOf = (row: AccessRow, now: number) =>
  row.device_id === null || row.device_id === '' || row.puppets_user_id !== null
    ? []
    : [{ user_id: row.user_id, device_id: row.device_id, created_ts: now }]

const pair = (row: AccessRow, now: number): Record<string, string | number | null> => ({
  token_hash: hashToken(row.token),
  // Administrators who act as somebody else have no device.
  user_id: row.puppets_user_id ?? row.user_id,
  device_id: row.puppets_user_id === null ? (row.device_id ?? '') : '',
  created_ts: now,
  expires_ts: row.valid_until_ms,
  refresh_hash: row.refresh_token === null ? null : hashToken(row.refresh_token),
  refresh_expires_ts: earlier(row.expiry_ts, row.ultimate_session_expiry_ts),
  supersedes: row.previous === null || Number(row.used) !== 0 ? null : hashToken(row.previous),
  administrator: row.puppets_user_id === null ? null : row.user_id,
})

const earlier = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b)

/** A session as others than Synapse have it. Instants are milliseconds since 1970. */
interface ForeignSession {
  readonly user_id: string
  readonly device_id: string
  readonly token: string
  readonly refresh_token: string | null
  readonly created_ts: number
  readonly expires_ts: number | null
}

/** Stores such sessions, with their devices where these are not there. */
export const storedSessions = (
  db: Database,
  now: number,
): ((rows: readonly ForeignSession[]) => WriteStatement[]) => {
  const device = new BulkInsert(db, 'devices', ['user_id', 'device_id', 'created_ts'])
  const insert = new BulkInsert(db, 'access_tokens', TOKEN_COLUMNS)
  return rows => [
    device.rows(
      rows
        .filter(row => row.device_id !== '')
        .map(row => ({ user_id: row.user_id, device_id: row.device_id, created_ts: now })),
    ),
    insert.rows(
      rows.map(row => ({
        token_hash: hashToken(row.token),
        user_id: row.user_id,
        device_id: row.device_id,
        created_ts: row.created_ts,
        expires_ts: row.expires_ts,
        refresh_hash: row.refresh_token === null ? null : hashToken(row.refresh_token),
      })),
    ),
  ]
}

interface RefreshRow {
  readonly id: number
  readonly user_id: string
  readonly device_id: string
  readonly token: string
  readonly expiry_ts: number | null
  readonly ultimate_session_expiry_ts: number | null
}

/** Refresh tokens whose access tokens Synapse has deleted. */
export const refreshTokens = tableStep<RefreshRow>({
  name: 'refresh tokens',
  table: 'refresh_tokens',
  query: (_world: ImportWorld) => ({
    from: 'refresh_tokens r',
    columns: [
      ...['r.id AS id', 'r.user_id AS user_id', 'r.device_id AS device_id', 'r.token AS token'],
      ...['r.expiry_ts AS expiry_ts', 'r.ultimate_session_expiry_ts AS ultimate_session_expiry_ts'],
    ],
    key: [{ column: 'r.id', name: 'id' }],
    where:
      'r.next_token_id IS NULL AND NOT EXISTS (SELECT 1 FROM access_tokens a WHERE a.refresh_token_id = r.id)',
  }),
  begin: ({ db, serverName, now }, progress) => {
    const insert = new BulkInsert(db, 'access_tokens', TOKEN_COLUMNS)
    return rows => {
      const local = rows.filter(row => isOfServer(row.user_id, serverName))
      progress.came('sessions (refresh tokens alone)', local.length)
      return [
        insert.rows(
          local.map(row => ({
            // Nobody has an access token of that text.
            token_hash: hashToken(`without access token: ${row.token}`),
            user_id: row.user_id,
            device_id: row.device_id,
            created_ts: now,
            expires_ts: now,
            refresh_hash: hashToken(row.token),
            refresh_expires_ts: earlier(row.expiry_ts, row.ultimate_session_expiry_ts),
          })),
        ),
      ]
    }
  },
})
