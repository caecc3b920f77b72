import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** The identity keys of a local user's device. */
export interface DeviceKeysRow {
  readonly userId: string
  readonly deviceId: string
  /** JSON text, as uploaded. */
  readonly json: string
  readonly displayName: string | undefined
}

interface Columns {
  user_id: string
  device_id: string
  json: string
  display_name: string | null
}

const row = (columns: Columns): DeviceKeysRow => ({
  userId: columns.user_id,
  deviceId: columns.device_id,
  json: columns.json,
  displayName: columns.display_name ?? undefined,
})

/** Reads identity keys of local users' devices. */
export class DeviceKeysReader {
  readonly #db: Reader
  readonly #one: Prepared
  readonly #ofUsers: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = `SELECT k.user_id, k.device_id, k.json, d.display_name FROM device_keys k
      JOIN devices d ON d.user_id = k.user_id AND d.device_id = k.device_id`
    this.#one = db.prepare(`${select} WHERE k.user_id = ? AND k.device_id = ?`)
    this.#ofUsers = db.prepare(
      `${select} WHERE ${db.dialect.inText('k.user_id')} ORDER BY k.user_id, k.device_id`,
    )
  }

  /** The keys of one device, if it has any. */
  async one(userId: string, deviceId: string): Promise<DeviceKeysRow | undefined> {
    const columns = await this.#db.get<Columns>(this.#one, [userId, deviceId])
    return columns && row(columns)
  }

  /** The keys of all devices of these users. */
  async ofUsers(userIds: readonly string[]): Promise<DeviceKeysRow[]> {
    if (userIds.length === 0) return []
    return (await this.#db.scan<Columns>(this.#ofUsers, [this.#db.list(userIds)])).map(row)
  }
}

/** Builds the statements that change them. */
export class DeviceKeysWriter {
  readonly #set: Prepared
  readonly #delete: Prepared

  constructor(db: Reader) {
    this.#set = db.prepare(
      `INSERT INTO device_keys (user_id, device_id, json)
       SELECT user_id, device_id, CAST(? AS text) FROM devices WHERE user_id = ? AND device_id = ?
       ON CONFLICT (user_id, device_id) DO UPDATE SET json = excluded.json`,
    )
    this.#delete = db.prepare('DELETE FROM device_keys WHERE user_id = ? AND device_id = ?')
  }

  /** Guard `no-such-device`: it may have been removed meanwhile. */
  set(userId: string, deviceId: string, json: string): WriteStatement {
    return {
      prepared: this.#set,
      rows: [[json, userId, deviceId]],
      guard: { name: 'no-such-device', expected: 1 },
    }
  }

  delete(userId: string, deviceIds: readonly string[]): WriteStatement {
    return { prepared: this.#delete, rows: deviceIds.map(deviceId => [userId, deviceId]) }
  }
}
