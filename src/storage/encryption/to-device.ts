import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'

/** A message that waits for a device. */
export interface WaitingMessage {
  readonly position: number
  readonly sender: string
  readonly type: string
  /** JSON text. */
  readonly content: string
}

/** A waiting message with whom it is for. */
export interface AddressedMessage extends WaitingMessage {
  readonly userId: string
  readonly deviceId: string
}

/** A message to a device, or to all devices of a user. */
export interface NewMessage {
  readonly userId: string
  /** `*`: all that the user has. */
  readonly deviceId: string
  readonly sender: string
  readonly type: string
  readonly content: string
}

/** Reads what waits for devices. */
export class ToDeviceReader {
  readonly #db: Reader
  readonly #waiting: Prepared
  readonly #anyUpTo: Prepared
  readonly #recipients: Prepared
  readonly #between: Prepared
  readonly #crowded: Prepared
  readonly #beyond: Prepared
  readonly #devices: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#devices = db.prepare(`SELECT user_id, device_id FROM devices WHERE ${db.dialect.inText('user_id')}`)
    const ofDevice = 'FROM to_device_messages WHERE user_id = ? AND device_id = ?'
    this.#waiting = db.prepare(
      `SELECT position, sender, type, content ${ofDevice} AND position > ? AND position <= ?
       ORDER BY position LIMIT ?`,
    )
    this.#anyUpTo = db.prepare(`SELECT 1 AS found ${ofDevice} AND position <= ? LIMIT 1`)
    this.#recipients = db.prepare(
      'SELECT DISTINCT user_id FROM to_device_messages WHERE position > ? AND position <= ?',
    )
    this.#crowded = db.prepare(
      `SELECT user_id, device_id FROM to_device_messages GROUP BY user_id, device_id HAVING count(*) > ? LIMIT 1000`,
    )
    this.#beyond = db.prepare(
      `SELECT device_id, MIN(position) AS position FROM (
         SELECT device_id, position, SUM(octet_length(content)) OVER (PARTITION BY device_id ORDER BY position) AS bytes
         FROM to_device_messages WHERE user_id = ?) AS counted
       WHERE bytes > ? GROUP BY device_id`,
    )
    this.#between = db.prepare(
      `SELECT position, user_id, device_id, sender, type, content FROM to_device_messages
       WHERE position > ? AND position <= ? ORDER BY position LIMIT ?`,
    )
  }

  /** The oldest messages of a device after one position up to another. */
  waiting(
    userId: string,
    deviceId: string,
    span: { readonly after: number; readonly upTo: number },
    limit: number,
  ): Promise<WaitingMessage[]> {
    return this.#db.all<WaitingMessage & object>(this.#waiting, [
      userId,
      deviceId,
      span.after,
      span.upTo,
      limit,
    ])
  }

  /** Whether messages up to this position are still stored. */
  async anyUpTo(userId: string, deviceId: string, position: number): Promise<boolean> {
    return (await this.#db.get(this.#anyUpTo, [userId, deviceId, position])) !== undefined
  }

  /** The oldest messages to anybody after one position up to another. */
  async between(after: number, upTo: number, limit: number): Promise<AddressedMessage[]> {
    const rows = await this.#db.all<WaitingMessage & { user_id: string; device_id: string }>(this.#between, [
      after,
      upTo,
      limit,
    ])
    return rows.map(({ user_id: userId, device_id: deviceId, ...message }) => ({
      ...message,
      userId,
      deviceId,
    }))
  }

  /** Devices for which more than `limit` messages wait. Reads the whole table. */
  async crowded(limit: number): Promise<{ userId: string; deviceId: string }[]> {
    const rows = await this.#db.scan<{ user_id: string; device_id: string }>(this.#crowded, [limit])
    return rows.map(row => ({ userId: row.user_id, deviceId: row.device_id }))
  }

  /** The devices of a user for which more than so many bytes of content wait, each with the first message that is beyond them. */
  async beyond(userId: string, bytes: number): Promise<{ deviceId: string; position: number }[]> {
    const rows = await this.#db.scan<{ device_id: string; position: number }>(this.#beyond, [userId, bytes])
    return rows.map(row => ({ deviceId: row.device_id, position: row.position }))
  }

  /** The devices that users have, by user. Who has none is missing. */
  async devicesOf(userIds: readonly string[]): Promise<Map<string, Set<string>>> {
    const rows = await this.#db.scan<{ user_id: string; device_id: string }>(this.#devices, [
      this.#db.list(userIds),
    ])
    const byUser = Map.groupBy(rows, row => row.user_id)
    return new Map(Array.from(byUser, ([userId, of]) => [userId, new Set(of.map(row => row.device_id))]))
  }

  /** Whom the messages between two positions are for. */
  async recipients(after: number, upTo: number): Promise<string[]> {
    const rows = await this.#db.scan<{ user_id: string }>(this.#recipients, [after, upTo])
    return rows.map(row => row.user_id)
  }
}

/** Builds the statements that store and remove messages. */
export class ToDeviceWriter {
  readonly #insert: Prepared
  readonly #insertAll: Prepared
  readonly #acknowledge: Prepared
  readonly #dropDevices: Prepared
  readonly #expire: Prepared
  readonly #dropBeyond: Prepared
  readonly #dropFrom: Prepared
  readonly #receive: Prepared
  readonly #expireReceived: Prepared

  constructor(db: Reader) {
    // By way of `devices`, so that nothing waits for a device that is not there.
    const insert = `INSERT INTO to_device_messages
        (user_id, device_id, position, sender, type, content, received_ts)
      SELECT user_id, device_id, CAST(? AS bigint), CAST(? AS text), CAST(? AS text), CAST(? AS text),
        CAST(? AS bigint) FROM devices WHERE user_id = ?`
    this.#insert = db.prepare(`${insert} AND device_id = ?`)
    this.#insertAll = db.prepare(insert)
    this.#acknowledge = db.prepare(
      'DELETE FROM to_device_messages WHERE user_id = ? AND device_id = ? AND position <= ?',
    )
    this.#dropDevices = db.prepare('DELETE FROM to_device_messages WHERE user_id = ? AND device_id = ?')
    this.#expire = db.prepare('DELETE FROM to_device_messages WHERE received_ts < ?')
    const ofDevice = 'user_id = ? AND device_id = ?'
    this.#dropBeyond = db.prepare(
      `DELETE FROM to_device_messages WHERE ${ofDevice} AND position >= (
         SELECT position FROM to_device_messages WHERE ${ofDevice} ORDER BY position LIMIT 1 OFFSET ?)`,
    )
    this.#dropFrom = db.prepare(`DELETE FROM to_device_messages WHERE ${ofDevice} AND position >= ?`)
    this.#receive = db.prepare(
      `INSERT INTO received_to_device (origin, message_id, received_ts) VALUES (?, ?, ?)
       ON CONFLICT DO NOTHING`,
    )
    this.#expireReceived = db.prepare('DELETE FROM received_to_device WHERE received_ts < ?')
  }

  /** Stores messages, in order. Those to devices that do not exist vanish. */
  insert(messages: readonly NewMessage[], now: number): WriteStatement[] {
    const single: SqlParameter[][] = []
    const all: SqlParameter[][] = []
    for (const [offset, { userId, deviceId, sender, type, content }] of messages.entries()) {
      const parameters = [{ stream: 'to_device', offset } as const, sender, type, content, now, userId]
      if (deviceId === '*') all.push(parameters)
      else single.push([...parameters, deviceId])
    }
    return [
      { prepared: this.#insert, rows: single },
      { prepared: this.#insertAll, rows: all },
    ].filter(statement => statement.rows.length > 0)
  }

  /** Removes what a device has received. */
  acknowledge(userId: string, deviceId: string, position: number): WriteStatement {
    return { prepared: this.#acknowledge, rows: [[userId, deviceId, position]] }
  }

  dropDevices(userId: string, deviceIds: readonly string[]): WriteStatement {
    return { prepared: this.#dropDevices, rows: deviceIds.map(deviceId => [userId, deviceId]) }
  }

  /** Removes messages that nobody has fetched since an instant (ms). */
  expire(before: number): WriteStatement {
    return { prepared: this.#expire, rows: [[before]] }
  }

  /** Removes what came after the first `limit` messages that wait for devices. */
  dropBeyond(devices: readonly { userId: string; deviceId: string }[], limit: number): WriteStatement {
    const rows = devices.map(({ userId, deviceId }) => [userId, deviceId, userId, deviceId, limit])
    return { prepared: this.#dropBeyond, rows }
  }

  /** Removes what waits for devices of a user, each from one position on. */
  dropFrom(userId: string, devices: readonly { deviceId: string; position: number }[]): WriteStatement {
    const rows = devices.map(({ deviceId, position }) => [userId, deviceId, position])
    return { prepared: this.#dropFrom, rows }
  }

  /** Remembers another server's message. Guard `received`: it had not arrived before. */
  receive(origin: string, messageId: string, now: number): WriteStatement {
    return {
      prepared: this.#receive,
      rows: [[origin, messageId, now]],
      guard: { name: 'received', expected: 1 },
    }
  }

  /** Forgets messages of other servers that arrived before an instant (ms). */
  expireReceived(before: number): WriteStatement {
    return { prepared: this.#expireReceived, rows: [[before]] }
  }
}
