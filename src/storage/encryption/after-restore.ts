import type { Prepared, Reader, WriteStatement } from '../database.ts'
import { FollowedStreams } from '../followed-streams.ts'

/** A device of a local user that stands for all the user has. */
export interface TouchedUser {
  readonly userId: string
  readonly deviceId: string
}

/** Reads and writes what has to be set right once a database was put back from a backup. */
export class AfterRestore {
  readonly #db: Reader
  readonly #followed: FollowedStreams
  readonly #users: Prepared
  readonly #skipPositions: Prepared
  readonly #insertChange: Prepared
  readonly #dropKeys: Prepared
  readonly #dropFallback: Prepared
  readonly #markStale: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#followed = new FollowedStreams(db)
    this.#users = db.prepare(
      'SELECT user_id, min(device_id) AS device_id FROM device_keys WHERE user_id > ? GROUP BY user_id ORDER BY user_id LIMIT ?',
    )
    // History grows into the past from where it ended: its positions are in no token.
    this.#skipPositions = db.prepare("UPDATE streams SET position = position + ? WHERE name <> 'backfill'")
    this.#insertChange = db.prepare(
      'INSERT INTO device_list_changes (position, user_id, device_id, changed_ts) VALUES (?, ?, ?, ?)',
    )
    this.#dropKeys = db.prepare(`DELETE FROM one_time_keys WHERE claimed_ts IS NULL RETURNING key_id`)
    // Nobody can make another one for a device that waits to be taken up.
    this.#dropFallback = db.prepare(
      `DELETE FROM fallback_keys WHERE NOT EXISTS (SELECT 1 FROM dehydrated_devices d
         WHERE d.user_id = fallback_keys.user_id AND d.device_id = fallback_keys.device_id)`,
    )
    this.#markStale = db.prepare(
      'UPDATE remote_device_lists SET stale = 1, version = version + 1 RETURNING user_id',
    )
  }

  /** Local users with device keys, after a user ID. */
  async users(after: string, limit: number): Promise<TouchedUser[]> {
    const rows = await this.#db.scan<{ user_id: string; device_id: string }>(this.#users, [after, limit])
    return rows.map(row => ({ userId: row.user_id, deviceId: row.device_id }))
  }

  /** Goes on counting far beyond what anybody may have seen. */
  skipPositions(count: number): WriteStatement {
    return { prepared: this.#skipPositions, rows: [[count]] }
  }

  /** A change of each user's devices. */
  change(users: readonly TouchedUser[], now: number): WriteStatement {
    const rows = users.map(({ userId, deviceId }, offset) => [
      { stream: 'device_lists', offset } as const,
      userId,
      deviceId,
      now,
    ])
    return { prepared: this.#insertChange, rows }
  }

  /** Other servers are not told of changes up to a position. */
  untold(position: number): WriteStatement {
    return this.#followed.reached('device list updates', position)
  }

  /** Keys that may have been given out since the backup, or that their devices have forgotten. Returns `dropped`. */
  dropKeys(): WriteStatement[] {
    return [
      { prepared: this.#dropKeys, rows: [[]], returning: 'dropped' },
      { prepared: this.#dropFallback, rows: [[]] },
    ]
  }

  /** What others have told since the backup is lost. Returns `stale`. */
  forgetRemote(): WriteStatement {
    return { prepared: this.#markStale, rows: [[]], returning: 'stale' }
  }
}
