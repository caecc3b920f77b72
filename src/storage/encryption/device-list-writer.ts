import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** Builds the statements that write the stream. */
export class DeviceListWriter {
  readonly #insert: Prepared
  readonly #insertIfDevice: Prepared
  readonly #expire: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO device_list_changes (position, user_id, device_id, audience, changed_ts)
       VALUES (?, ?, ?, ?, ?)`,
    )
    this.#insertIfDevice = db.prepare(
      `INSERT INTO device_list_changes (position, user_id, device_id, changed_ts)
       SELECT CAST(? AS bigint), user_id, device_id, CAST(? AS bigint) FROM devices
       WHERE user_id = ? AND device_id = ?`,
    )
    // The newest of each user's devices stays: it is what the next change names as the one before. Where identities have changed
    // since, the newest of that stays as well, for whoever was told before either; once for all, and once for each who has signed.
    this.#expire = db.prepare(
      `DELETE FROM device_list_changes WHERE changed_ts < ? AND EXISTS (
         SELECT 1 FROM device_list_changes newer WHERE newer.user_id = device_list_changes.user_id
           AND newer.position > device_list_changes.position
           AND (newer.device_id <> '' OR (device_list_changes.device_id = ''
             AND (newer.audience IS NULL OR newer.audience = device_list_changes.audience))))`,
    )
  }

  /**
   * Notes changes of devices; of a user's cross-signing keys where the device ID is empty.
   * @param offset the first position of the set that is taken.
   */
  insert(userId: string, deviceIds: readonly string[], now: number, offset = 0): WriteStatement {
    return {
      prepared: this.#insert,
      rows: deviceIds.map((deviceId, index) => [
        { stream: 'device_lists', offset: offset + index },
        userId,
        deviceId,
        null,
        now,
      ]),
    }
  }

  /** Notes that users' keys look different to one user, who has signed them. */
  insertFor(audience: string, userIds: readonly string[], now: number, offset = 0): WriteStatement {
    return {
      prepared: this.#insert,
      rows: userIds.map((userId, index) => [
        { stream: 'device_lists', offset: offset + index },
        userId,
        '',
        audience,
        now,
      ]),
    }
  }

  /** Like `insert` for those of the devices that exist. */
  insertIfDevice(userId: string, deviceIds: readonly string[], now: number, offset = 0): WriteStatement {
    return {
      prepared: this.#insertIfDevice,
      rows: deviceIds.map((deviceId, index) => [
        { stream: 'device_lists', offset: offset + index },
        now,
        userId,
        deviceId,
      ]),
    }
  }

  /** Forgets changes from before an instant (ms), but each user's newest, of devices and of identity. */
  expire(before: number): WriteStatement {
    return { prepared: this.#expire, rows: [[before]] }
  }
}
