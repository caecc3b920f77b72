import type { Prepared, Reader } from '../database.ts'

/** What is left of a device's keys. */
export interface KeysLeft {
  /** How many unclaimed one-time keys, by algorithm. */
  readonly counts: Readonly<Record<string, number>>
  /** The algorithms of fallback keys that nobody has been given. */
  readonly unusedFallbackTypes: readonly string[]
}

interface Asked {
  readonly userId: string
  readonly deviceId: string
  resolve(left: KeysLeft): void
  reject(error: unknown): void
}

interface LeftColumns {
  user_id: string
  device_id: string
  algorithm: string
  /** `null` for a fallback key. */
  n: number | null
}

/** More than so many devices are looked up off the event loop. */
const MANY = 10

/**
 * Reads what is left of devices' keys. Every response of `/sync` tells it, and one message has thousands of them made at
 * once: all who ask in the same moment share a read.
 */
export class KeysLeftReader {
  readonly #db: Reader
  readonly #ofDevice: Prepared
  readonly #ofUsers: Prepared
  #asked: Asked[] = []

  constructor(db: Reader) {
    this.#db = db
    const select = (whose: string): string =>
      `SELECT user_id, device_id, algorithm, count(*) AS n FROM one_time_keys
       WHERE ${whose} AND claimed_ts IS NULL GROUP BY user_id, device_id, algorithm
       UNION ALL
       SELECT user_id, device_id, algorithm, NULL AS n FROM fallback_keys WHERE ${whose} AND used = 0`
    this.#ofDevice = db.prepare(select('user_id = ? AND device_id = ?'))
    this.#ofUsers = db.prepare(select(db.dialect.inText('user_id')))
  }

  /** What is left of a device's keys. */
  of(userId: string, deviceId: string): Promise<KeysLeft> {
    return new Promise((resolve, reject) => {
      if (this.#asked.length === 0) queueMicrotask(() => void this.#answer(this.#asked.splice(0)))
      this.#asked.push({ userId, deviceId, resolve, reject })
    })
  }

  async #answer(asked: readonly Asked[]): Promise<void> {
    try {
      const rows = Map.groupBy(await this.#rows(asked), row => deviceKey(row.user_id, row.device_id))
      for (const { userId, deviceId, resolve } of asked) {
        resolve(keysLeft(rows.get(deviceKey(userId, deviceId)) ?? []))
      }
    } catch (error) {
      for (const { reject } of asked) reject(error)
    }
  }

  #rows(asked: readonly Asked[]): Promise<LeftColumns[]> {
    const [one] = asked
    if (asked.length === 1 && one !== undefined) {
      const device = [one.userId, one.deviceId]
      return this.#db.all<LeftColumns>(this.#ofDevice, [...device, ...device])
    }
    const users = this.#db.list([...new Set(asked.map(({ userId }) => userId))])
    return asked.length > MANY
      ? this.#db.scan<LeftColumns>(this.#ofUsers, [users, users])
      : this.#db.all<LeftColumns>(this.#ofUsers, [users, users])
  }
}

const deviceKey = (userId: string, deviceId: string): string => `${userId.length}:${userId}${deviceId}`

const keysLeft = (rows: readonly LeftColumns[]): KeysLeft => ({
  counts: Object.fromEntries(rows.flatMap(({ algorithm, n }) => (n === null ? [] : [[algorithm, n]]))),
  unusedFallbackTypes: rows.flatMap(({ algorithm, n }) => (n === null ? algorithm : [])).sort(),
})
