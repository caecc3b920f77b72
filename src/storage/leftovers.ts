import type { Prepared, Reader, WriteStatement } from './database.ts'

/** Rows that nothing refers to any more, or that were of use for a while only. */
interface Leftover {
  readonly table: string
  /** A column of text, or (`nids`) of integers; rows of one value go together. */
  readonly key: string
  readonly isNumeric?: boolean
  readonly condition: string
  /** The condition takes an instant: so long ago, in milliseconds. */
  readonly after?: number
}

const DAY_MS = 86_400_000

/** What becomes of invitations, and that rooms were removed, is told to clients that come back within this time. */
const TOLD_TO_LATECOMERS_MS = 90 * DAY_MS
/** Keys of servers of which nothing has been heard for so long are asked for again, should an event need them. */
const SILENT_SERVERS_KEPT_MS = 180 * DAY_MS

/** Clients of sliding sync that come back later begin anew. */
const CONNECTIONS_KEPT_MS = 14 * DAY_MS

/** So long it is known what became of what administrators have asked for. */
const TASKS_KEPT_MS = 7 * DAY_MS

/** Tables whose rows are not removed by those who write them; see docs/growth.md for all the others. */
const LEFTOVERS: readonly Leftover[] = [
  { table: 'admin_tasks', key: 'task_id', condition: 'done_ts < ?', after: TASKS_KEPT_MS },
  {
    table: 'invitations',
    key: 'user_id',
    condition: "status <> 'invited' AND updated_ts < ?",
    after: TOLD_TO_LATECOMERS_MS,
  },
  {
    table: 'removed_memberships',
    key: 'user_id',
    condition: 'removed_ts < ?',
    after: TOLD_TO_LATECOMERS_MS,
  },
  {
    table: 'server_keys',
    key: 'server_name',
    condition: 'valid_until_ts < ? AND fetched_ts < ?',
    after: SILENT_SERVERS_KEPT_MS,
  },
  {
    table: 'server_key_documents',
    key: 'server_name',
    condition: 'valid_until_ts < ? AND fetched_ts < ?',
    after: SILENT_SERVERS_KEPT_MS,
  },
  // Also of devices that were logged out.
  {
    table: 'sliding_connections',
    key: 'user_id',
    condition: `(stored_ts < ? OR NOT EXISTS (SELECT 1 FROM devices d
      WHERE d.user_id = sliding_connections.user_id AND d.device_id = sliding_connections.device_id))`,
    after: CONNECTIONS_KEPT_MS,
  },
  // Passed on to everybody, or queued for those who do not answer: these are told by position, which keeps what they lack.
  {
    table: 'relayed_events',
    key: 'event_nid',
    isNumeric: true,
    condition: `NOT EXISTS (SELECT 1 FROM events e WHERE e.event_nid = relayed_events.event_nid
      AND (e.position > (SELECT s.position FROM federation_sender s WHERE s.id = 1)
        OR NOT EXISTS (SELECT 1 FROM federation_sender)
        OR EXISTS (SELECT 1 FROM federation_destination_rooms d
          WHERE d.room_nid = e.room_nid AND d.since <= e.position)))`,
  },
  // Replaced by newer ones for all who had not got them.
  {
    table: 'federation_edus',
    key: 'position',
    isNumeric: true,
    condition:
      'NOT EXISTS (SELECT 1 FROM federation_edu_destinations d WHERE d.position = federation_edus.position)',
  },
  // In no room here, and without an account: they cannot be found.
  {
    table: 'user_directory',
    key: 'user_id',
    condition: `NOT EXISTS (SELECT 1 FROM memberships m
      WHERE m.user_id = user_directory.user_id AND m.membership = 'join')
      AND NOT EXISTS (SELECT 1 FROM users u
        WHERE u.user_id = user_directory.user_id AND u.kind = 'user' AND u.deactivated_ts IS NULL)`,
  },
  // Of users whose devices are no longer followed, since nobody here shares a room with them.
  {
    table: 'remote_devices',
    key: 'user_id',
    condition: 'NOT EXISTS (SELECT 1 FROM remote_device_lists l WHERE l.user_id = remote_devices.user_id)',
  },
  {
    table: 'cross_signing_keys',
    key: 'user_id',
    condition: `NOT EXISTS (SELECT 1 FROM remote_device_lists l WHERE l.user_id = cross_signing_keys.user_id)
      AND NOT EXISTS (SELECT 1 FROM users u WHERE u.user_id = cross_signing_keys.user_id)`,
  },
]

/** One sort of leftovers: how they are found and removed. */
export interface LeftoverSweep {
  readonly table: string
  /** Keys of some that are due at an instant (ms since 1970), in order, those after `after`: what stays is looked at once. */
  find(now: number, limit: number, after?: string | number): Promise<readonly (string | number)[]>
  /** Removes those of these that are leftovers still. */
  remove(keys: readonly (string | number)[], now: number): WriteStatement
}

/** Makes the sweeps of all sorts. */
export const leftoverSweeps = (db: Reader): LeftoverSweep[] =>
  LEFTOVERS.map(leftover => sweepOf(db, leftover))

const sweepOf = (db: Reader, { table, key, isNumeric, condition, after }: Leftover): LeftoverSweep => {
  const among = isNumeric ? db.dialect.inInteger(key) : db.dialect.inText(key)
  const find: Prepared = db.prepare(
    `SELECT DISTINCT ${key} AS key FROM ${table} WHERE ${key} > ? AND ${condition} ORDER BY ${key} LIMIT ?`,
  )
  const first = isNumeric ? -Number.MAX_SAFE_INTEGER : ''
  const remove: Prepared = db.prepare(`DELETE FROM ${table} WHERE ${among} AND ${condition}`)
  const instants = condition.split('?').length - 1
  const bound = (now: number): number[] => Array.from({ length: instants }, () => now - (after ?? 0))
  return {
    table,
    find: async (now, limit, from = first) => {
      const rows = await db.scan<{ key: string | number }>(find, [from, ...bound(now), limit])
      return rows.map(row => row.key)
    },
    remove: (keys, now) => ({ prepared: remove, rows: [[db.list(keys), ...bound(now)]] }),
  }
}
