import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** What tells pushers apart. */
export interface PusherKey {
  readonly userId: string
  readonly appId: string
  readonly pushkey: string
}

/** Where a user's notifications are sent. */
export interface PusherRow extends PusherKey {
  /** The device that set it, with which it goes. */
  readonly deviceId: string | undefined
  readonly kind: string
  readonly appDisplayName: string
  readonly deviceDisplayName: string
  readonly profileTag: string | undefined
  readonly lang: string
  /** JSON text of an object, as the client gave it. */
  readonly data: string
  /** When it was set; milliseconds since 1970. */
  readonly updatedTs: number
  /** Up to where of the streams `events` and `invites` the gateway has everything. */
  readonly eventPosition: number
  readonly invitePosition: number
}

/** A pusher that may be served now. */
export interface KnownPusher extends PusherRow {
  /** Whether its user's account is locked. */
  readonly isLocked: boolean
}

interface Columns {
  user_id: string
  app_id: string
  pushkey: string
  device_id: string | null
  kind: string
  app_display_name: string
  device_display_name: string
  profile_tag: string | null
  lang: string
  data: string
  updated_ts: number
  event_position: number
  invite_position: number
}

const COLUMNS = `user_id, app_id, pushkey, device_id, kind, app_display_name, device_display_name, profile_tag, lang,
  data, updated_ts, event_position, invite_position`
const KEY = 'user_id = ? AND app_id = ? AND pushkey = ?'

const pusherRow = (row: Columns): PusherRow => ({
  userId: row.user_id,
  appId: row.app_id,
  pushkey: row.pushkey,
  deviceId: row.device_id ?? undefined,
  kind: row.kind,
  appDisplayName: row.app_display_name,
  deviceDisplayName: row.device_display_name,
  profileTag: row.profile_tag ?? undefined,
  lang: row.lang,
  data: row.data,
  updatedTs: row.updated_ts,
  eventPosition: row.event_position,
  invitePosition: row.invite_position,
})

/** Reads pushers. */
export class PusherReader {
  readonly #db: Reader
  readonly #ofUser: Prepared
  readonly #all: Prepared
  readonly #one: Prepared
  readonly #sameKey: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#ofUser = db.prepare(`SELECT ${COLUMNS} FROM pushers WHERE user_id = ? ORDER BY app_id, pushkey`)
    this.#all = db.prepare(`SELECT ${COLUMNS} FROM pushers`)
    this.#one = db.prepare(
      `SELECT ${COLUMNS}, (SELECT u.is_locked FROM users u WHERE u.user_id = pushers.user_id) AS is_locked
       FROM pushers WHERE ${KEY}`,
    )
    this.#sameKey = db.prepare('SELECT user_id FROM pushers WHERE app_id = ? AND pushkey = ?')
  }

  async ofUser(userId: string): Promise<PusherRow[]> {
    return (await this.#db.scan<Columns>(this.#ofUser, [userId])).map(pusherRow)
  }

  async all(): Promise<PusherRow[]> {
    return (await this.#db.scan<Columns>(this.#all)).map(pusherRow)
  }

  async one({ userId, appId, pushkey }: PusherKey): Promise<KnownPusher | undefined> {
    const row = await this.#db.get<Columns & { is_locked: number | null }>(this.#one, [
      ...[userId, appId, pushkey],
    ])
    return row && { ...pusherRow(row), isLocked: row.is_locked === 1 }
  }

  /** Whose pushers have this app ID and key. */
  async usersOf(appId: string, pushkey: string): Promise<string[]> {
    return (await this.#db.all<{ user_id: string }>(this.#sameKey, [appId, pushkey])).map(row => row.user_id)
  }
}

/** Builds the statements that change pushers. */
export class PusherWriter {
  readonly #set: Prepared
  readonly #remove: Prepared
  readonly #removeOthers: Prepared
  readonly #removeDevice: Prepared
  readonly #removeAll: Prepared
  readonly #reached: Prepared

  constructor(db: Reader) {
    this.#set = db.prepare(
      `INSERT INTO pushers (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (user_id, app_id, pushkey) DO UPDATE SET device_id = excluded.device_id, kind = excluded.kind,
         app_display_name = excluded.app_display_name, device_display_name = excluded.device_display_name,
         profile_tag = excluded.profile_tag, lang = excluded.lang, data = excluded.data,
         updated_ts = excluded.updated_ts`,
    )
    this.#remove = db.prepare(`DELETE FROM pushers WHERE ${KEY}`)
    this.#removeOthers = db.prepare('DELETE FROM pushers WHERE user_id <> ? AND app_id = ? AND pushkey = ?')
    this.#removeDevice = db.prepare('DELETE FROM pushers WHERE user_id = ? AND device_id = ?')
    this.#removeAll = db.prepare('DELETE FROM pushers WHERE user_id = ?')
    this.#reached = db.prepare(`UPDATE pushers SET event_position = ?, invite_position = ? WHERE ${KEY}`)
  }

  /** Makes a pusher, or changes what is known of it; how far it has come stays. */
  set(row: PusherRow): WriteStatement {
    return {
      prepared: this.#set,
      rows: [
        [
          ...[row.userId, row.appId, row.pushkey, row.deviceId ?? null, row.kind],
          ...[row.appDisplayName, row.deviceDisplayName, row.profileTag ?? null, row.lang],
          ...[row.data, row.updatedTs, row.eventPosition, row.invitePosition],
        ],
      ],
    }
  }

  remove({ userId, appId, pushkey }: PusherKey): WriteStatement {
    return { prepared: this.#remove, rows: [[userId, appId, pushkey]] }
  }

  /** Removes the pushers that others have with this app ID and key. */
  removeOthers({ userId, appId, pushkey }: PusherKey): WriteStatement {
    return { prepared: this.#removeOthers, rows: [[userId, appId, pushkey]] }
  }

  /** Removes the pushers that go with devices. */
  removeDevices(userId: string, deviceIds: readonly string[]): WriteStatement[] {
    if (deviceIds.length === 0) return []
    return [{ prepared: this.#removeDevice, rows: deviceIds.map(deviceId => [userId, deviceId]) }]
  }

  removeAll(userId: string): WriteStatement {
    return { prepared: this.#removeAll, rows: [[userId]] }
  }

  /** The gateway has everything up to these positions. */
  reached(
    { userId, appId, pushkey }: PusherKey,
    at: { readonly events: number; readonly invites: number },
  ): WriteStatement {
    return { prepared: this.#reached, rows: [[at.events, at.invites, userId, appId, pushkey]] }
  }
}
