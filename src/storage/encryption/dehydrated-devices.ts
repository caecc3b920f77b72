import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A device without a session, which waits to be taken up by one that the user logs in. */
export interface DehydratedDevice {
  readonly deviceId: string
  /** JSON text. */
  readonly deviceData: string
}

/** Reads dehydrated devices. */
export class DehydratedDeviceReader {
  readonly #db: Reader
  readonly #ofUser: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#ofUser = db.prepare('SELECT device_id, device_data FROM dehydrated_devices WHERE user_id = ?')
  }

  async ofUser(userId: string): Promise<DehydratedDevice | undefined> {
    const row = await this.#db.get<{ device_id: string; device_data: string }>(this.#ofUser, [userId])
    return row && { deviceId: row.device_id, deviceData: row.device_data }
  }
}

/** Builds the statements that change them. */
export class DehydratedDeviceWriter {
  readonly #add: Prepared
  readonly #delete: Prepared

  constructor(db: Reader) {
    this.#add = db.prepare(
      `INSERT INTO dehydrated_devices (user_id, device_id, device_data) VALUES (?, ?, ?)
       ON CONFLICT (user_id) DO NOTHING`,
    )
    this.#delete = db.prepare('DELETE FROM dehydrated_devices WHERE user_id = ? AND device_id = ?')
  }

  /** Stores a user's one device. Guard `dehydrated-exists`: there is none, or it is removed before in the same set. */
  add(userId: string, { deviceId, deviceData }: DehydratedDevice): WriteStatement {
    const guard = { name: 'dehydrated-exists', expected: 1 }
    return { prepared: this.#add, rows: [[userId, deviceId, deviceData]], guard }
  }

  delete(userId: string, deviceIds: readonly string[]): WriteStatement {
    return { prepared: this.#delete, rows: deviceIds.map(deviceId => [userId, deviceId]) }
  }
}
