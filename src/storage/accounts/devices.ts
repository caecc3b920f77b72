import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A device of a local user. Instants are milliseconds since 1970. */
export interface Device {
  readonly deviceId: string
  readonly displayName: string | undefined
  readonly createdTs: number
  readonly lastSeenTs: number | undefined
  readonly lastSeenIp: string | undefined
  readonly lastSeenUserAgent: string | undefined
}

interface DeviceRow {
  device_id: string
  display_name: string | null
  created_ts: number
  last_seen_ts: number | null
  last_seen_ip: string | null
  last_seen_user_agent: string | null
}

const COLUMNS = 'device_id, display_name, created_ts, last_seen_ts, last_seen_ip, last_seen_user_agent'

/** Reads devices. */
export class DeviceReader {
  readonly #db: Reader
  readonly #byUser: Prepared
  readonly #byId: Prepared
  readonly #ids: Prepared
  readonly #ordinary: Prepared
  readonly #unused: Prepared
  readonly #loggedOut: Prepared
  readonly #from: Prepared
  readonly #origins: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#byUser = db.prepare(`SELECT ${COLUMNS} FROM devices WHERE user_id = ? ORDER BY device_id`)
    this.#byId = db.prepare(`SELECT ${COLUMNS} FROM devices WHERE user_id = ? AND device_id = ?`)
    this.#unused = db.prepare(
      `SELECT d.user_id, d.device_id FROM devices d JOIN users u ON u.user_id = d.user_id
       WHERE coalesce(d.last_seen_ts, d.created_ts) < ? AND (u.password_hash IS NOT NULL OR u.kind = 'guest'
         OR EXISTS (SELECT 1 FROM provider_accounts p WHERE p.user_id = u.user_id)) AND NOT EXISTS (
         SELECT 1 FROM dehydrated_devices h WHERE h.user_id = d.user_id AND h.device_id = d.device_id)
       LIMIT ?`,
    )
    this.#from = db.prepare('SELECT user_id, device_id FROM devices WHERE origin = ?')
    this.#origins = db.prepare(
      [
        ...['devices', 'browser_sessions', 'oauth_codes', 'oauth_device_codes'].map(
          table => `SELECT origin FROM ${table} WHERE user_id = ?`,
        ),
        "SELECT origin FROM one_time_tokens WHERE purpose = 'login' AND subject = ?",
      ].join(' UNION '),
    )
    const ids = (condition = '') =>
      `SELECT d.device_id FROM devices d WHERE d.user_id = ? ${condition}
       ORDER BY coalesce(d.last_seen_ts, d.created_ts), d.device_id`
    this.#ids = db.prepare(ids())
    this.#loggedOut = db.prepare(
      ids(`AND NOT EXISTS (
        SELECT 1 FROM access_tokens t WHERE t.user_id = d.user_id AND t.device_id = d.device_id)`),
    )
    this.#ordinary = db.prepare(
      ids(`AND NOT EXISTS (
        SELECT 1 FROM dehydrated_devices h WHERE h.user_id = d.user_id AND h.device_id = d.device_id)`),
    )
  }

  /** The IDs of those of a user's devices that no token is good for. */
  async withoutTokens(userId: string): Promise<string[]> {
    return (await this.#db.all<{ device_id: string }>(this.#loggedOut, [userId])).map(row => row.device_id)
  }

  /**
   * Devices that were not heard of since an instant (ms), some of them, by user. Those of application services, whose
   * users have no passwords and no accounts elsewhere, and those that are stored for a later login are never heard of.
   */
  async unused(before: number, limit: number): Promise<Map<string, string[]>> {
    const rows = await this.#db.scan<{ user_id: string; device_id: string }>(this.#unused, [before, limit])
    const byUser = Map.groupBy(rows, row => row.user_id)
    return new Map(Array.from(byUser, ([userId, ofUser]) => [userId, ofUser.map(row => row.device_id)]))
  }

  /** The devices that were logged in with a session at a provider, by user. */
  async from(origin: string): Promise<Map<string, string[]>> {
    const rows = await this.#db.all<{ user_id: string; device_id: string }>(this.#from, [origin])
    const byUser = Map.groupBy(rows, row => row.user_id)
    return new Map(Array.from(byUser, ([userId, ofUser]) => [userId, ofUser.map(row => row.device_id)]))
  }

  /** The sessions at providers with which a user was signed in, on devices and in browsers, or has granted something. */
  async origins(userId: string): Promise<string[]> {
    const rows = await this.#db.all<{ origin: string | null }>(
      ...[this.#origins, Array.from({ length: 5 }, () => userId)],
    )
    return rows.flatMap(({ origin }) => origin ?? [])
  }

  /** All devices of a user. */
  async byUser(userId: string): Promise<Device[]> {
    return (await this.#db.scan<DeviceRow>(this.#byUser, [userId])).map(device)
  }

  /** One device. */
  async byId(userId: string, deviceId: string): Promise<Device | undefined> {
    const row = await this.#db.get<DeviceRow>(this.#byId, [userId, deviceId])
    return row === undefined ? undefined : device(row)
  }

  /** The IDs of all devices of a user, the longest unheard of first. */
  async ids(userId: string): Promise<string[]> {
    return (await this.#db.scan<{ device_id: string }>(this.#ids, [userId])).map(row => row.device_id)
  }

  /** The same without what is stored for a later login, which is never heard of. */
  async ordinaryIds(userId: string): Promise<string[]> {
    return (await this.#db.scan<{ device_id: string }>(this.#ordinary, [userId])).map(row => row.device_id)
  }
}

const device = (row: DeviceRow): Device => ({
  deviceId: row.device_id,
  displayName: row.display_name ?? undefined,
  createdTs: row.created_ts,
  lastSeenTs: row.last_seen_ts ?? undefined,
  lastSeenIp: row.last_seen_ip ?? undefined,
  lastSeenUserAgent: row.last_seen_user_agent ?? undefined,
})

/** When and from where a device was last heard of. */
export interface LastSeen {
  readonly userId: string
  readonly deviceId: string
  readonly ts: number
  readonly ip: string | undefined
  readonly userAgent: string | undefined
}

/** Builds the statements that change devices. */
export class DeviceWriter {
  readonly #insert: Prepared
  readonly #cameFrom: Prepared
  readonly #rename: Prepared
  readonly #seen: Prepared
  readonly #delete: Prepared

  constructor(db: Reader) {
    // The empty update holds the row against a deletion that is under way in another process.
    this.#insert = db.prepare(
      `INSERT INTO devices (user_id, device_id, display_name, created_ts) VALUES (?, ?, ?, ?)
       ON CONFLICT (user_id, device_id) DO UPDATE SET device_id = excluded.device_id`,
    )
    this.#cameFrom = db.prepare('UPDATE devices SET origin = ? WHERE user_id = ? AND device_id = ?')
    this.#rename = db.prepare('UPDATE devices SET display_name = ? WHERE user_id = ? AND device_id = ?')
    this.#seen = db.prepare(
      `UPDATE devices SET last_seen_ts = ?, last_seen_ip = ?, last_seen_user_agent = ?
       WHERE user_id = ? AND device_id = ?`,
    )
    this.#delete = db.prepare('DELETE FROM devices WHERE user_id = ? AND device_id = ?')
  }

  /** Makes a device, or leaves the one that is there as it is, name included. */
  insert(userId: string, deviceId: string, displayName: string | undefined, now: number): WriteStatement {
    return { prepared: this.#insert, rows: [[userId, deviceId, displayName ?? null, now]] }
  }

  /** Notes with which session at a provider a device was logged in, if with one. */
  cameFrom(userId: string, deviceId: string, origin: string | undefined): WriteStatement {
    return { prepared: this.#cameFrom, rows: [[origin ?? null, userId, deviceId]] }
  }

  /** Names a device. Guard `no-such-device`. */
  rename(userId: string, deviceId: string, displayName: string): WriteStatement {
    return {
      prepared: this.#rename,
      rows: [[displayName, userId, deviceId]],
      guard: { name: 'no-such-device', expected: 1 },
    }
  }

  /** Notes when devices were last heard of; those that are gone meanwhile stay gone. */
  seen(devices: readonly LastSeen[]): WriteStatement {
    return {
      prepared: this.#seen,
      rows: devices.map(({ userId, deviceId, ts, ip, userAgent }) => [
        ts,
        ip ?? null,
        userAgent ?? null,
        userId,
        deviceId,
      ]),
    }
  }

  /** Removes devices; those that are gone already are no error. Their tokens are `AccessTokenWriter`'s to remove. */
  delete(userId: string, deviceIds: readonly string[]): WriteStatement {
    return { prepared: this.#delete, rows: deviceIds.map(deviceId => [userId, deviceId]) }
  }
}
