import type { Prepared, Reader, WriteStatement } from '../database.ts'
import { shareAnother } from './companions.ts'

/** How far this server follows a remote user's devices. */
export interface RemoteDeviceList {
  readonly userId: string
  /** The number of the last update that is in it. */
  readonly streamId: number
  /** Something was missed: it has to be asked for again. */
  readonly isStale: boolean
  /** Moves with every change here, so that a slow answer never replaces a newer one. */
  readonly version: number
  /**
   * What is in it was told to nobody but whoever had asked when it was begun. Whoever was answered before that, when nothing
   * was kept, has something older and has yet to be told.
   */
  readonly isUntold: boolean
}

/** A remote user's device. */
export interface RemoteDevice {
  readonly userId: string
  readonly deviceId: string
  readonly displayName: string | undefined
  /** JSON text. */
  readonly json: string
}

/** The version of a list that is to be filled. */
const BEGUN = 1

interface ListColumns {
  user_id: string
  stream_id: number
  stale: number
  version: number
}

interface DeviceColumns {
  user_id: string
  device_id: string
  display_name: string | null
  json: string
}

/** Reads what is kept of remote users' devices. */
export class RemoteDeviceReader {
  readonly #db: Reader
  readonly #lists: Prepared
  readonly #devices: Prepared
  readonly #stale: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#lists = db.prepare(
      `SELECT user_id, stream_id, stale, version FROM remote_device_lists
       WHERE ${db.dialect.inText('user_id')}`,
    )
    this.#devices = db.prepare(
      `SELECT user_id, device_id, display_name, json FROM remote_devices
       WHERE ${db.dialect.inText('user_id')} ORDER BY user_id, device_id`,
    )
    this.#stale = db.prepare(
      `SELECT user_id FROM remote_device_lists WHERE stale = 1 AND (host > ? OR (host = ? AND user_id > ?))
       ORDER BY host, user_id LIMIT ?`,
    )
  }

  /** The lists that are kept of these users, by user ID. */
  async lists(userIds: readonly string[]): Promise<Map<string, RemoteDeviceList>> {
    if (userIds.length === 0) return new Map()
    const rows = await this.#db.scan<ListColumns>(this.#lists, [this.#db.list(userIds)])
    return new Map(
      rows.map(row => [
        row.user_id,
        {
          userId: row.user_id,
          streamId: row.stream_id,
          isStale: row.stale !== 0,
          version: row.version,
          isUntold: row.version === BEGUN + 1,
        },
      ]),
    )
  }

  /** The devices that are kept of these users. */
  async devices(userIds: readonly string[]): Promise<RemoteDevice[]> {
    if (userIds.length === 0) return []
    const rows = await this.#db.scan<DeviceColumns>(this.#devices, [this.#db.list(userIds)])
    return rows.map(row => ({
      userId: row.user_id,
      deviceId: row.device_id,
      displayName: row.display_name ?? undefined,
      json: row.json,
    }))
  }

  /** Users whose devices have to be asked for again, by server, after one of them. */
  async stale(after: { readonly host: string; readonly userId: string }, limit: number): Promise<string[]> {
    const parameters = [after.host, after.host, after.userId, limit]
    return (await this.#db.all<{ user_id: string }>(this.#stale, parameters)).map(row => row.user_id)
  }
}

/** Builds the statements that keep remote users' devices. */
export class RemoteDeviceWriter {
  readonly #begin: Prepared
  readonly #advance: Prepared
  readonly #markStale: Prepared
  readonly #forget: Prepared
  readonly #forgetUser: Prepared
  readonly #forgetRoom: Prepared
  readonly #set: Prepared
  readonly #drop: Prepared
  readonly #dropAll: Prepared

  constructor(db: Reader) {
    this.#begin = db.prepare(
      `INSERT INTO remote_device_lists (user_id, host, stream_id, stale, version) VALUES (?, ?, 0, 1, ${BEGUN})
       ON CONFLICT DO NOTHING`,
    )
    this.#advance = db.prepare(
      `UPDATE remote_device_lists SET stream_id = ?, stale = ?, version = version + 1
       WHERE user_id = ? AND version = ?`,
    )
    this.#markStale = db.prepare(
      'UPDATE remote_device_lists SET stale = 1, version = version + 1 WHERE user_id = ?',
    )
    this.#forget = db.prepare('DELETE FROM remote_device_lists WHERE user_id = ?')
    const unshared = `NOT ${shareAnother('remote_device_lists.user_id', '?')}`
    this.#forgetUser = db.prepare(`DELETE FROM remote_device_lists WHERE user_id = ? AND ${unshared}`)
    this.#forgetRoom = db.prepare(
      `DELETE FROM remote_device_lists
       WHERE user_id IN (SELECT m.user_id FROM memberships m WHERE m.room_nid = ? AND m.host <> ?) AND ${unshared}`,
    )
    this.#set = db.prepare(
      `INSERT INTO remote_devices (user_id, device_id, display_name, json) VALUES (?, ?, ?, ?)
       ON CONFLICT (user_id, device_id) DO UPDATE SET display_name = excluded.display_name, json = excluded.json`,
    )
    this.#drop = db.prepare('DELETE FROM remote_devices WHERE user_id = ? AND device_id = ?')
    this.#dropAll = db.prepare('DELETE FROM remote_devices WHERE user_id = ?')
  }

  /** Begins to follow users, where that is not so yet. Until their devices have been asked for, the lists are stale. */
  begin(users: readonly { readonly userId: string; readonly host: string }[]): WriteStatement {
    return { prepared: this.#begin, rows: users.map(({ userId, host }) => [userId, host]) }
  }

  /** Moves on a list from what was read. Guard `list-changed`: it is as it was read. */
  advance(before: RemoteDeviceList, after: { streamId: number; isStale: boolean }): WriteStatement {
    return {
      prepared: this.#advance,
      rows: [[after.streamId, after.isStale ? 1 : 0, before.userId, before.version]],
      guard: { name: 'list-changed', expected: 1 },
    }
  }

  markStale(userIds: readonly string[]): WriteStatement {
    return { prepared: this.#markStale, rows: userIds.map(userId => [userId]) }
  }

  set(devices: readonly RemoteDevice[]): WriteStatement[] {
    if (devices.length === 0) return []
    return [
      {
        prepared: this.#set,
        rows: devices.map(({ userId, deviceId, displayName, json }) => [
          userId,
          deviceId,
          displayName ?? null,
          json,
        ]),
      },
    ]
  }

  drop(userId: string, deviceId: string): WriteStatement {
    return { prepared: this.#drop, rows: [[userId, deviceId]] }
  }

  dropAll(userId: string): WriteStatement {
    return { prepared: this.#dropAll, rows: [[userId]] }
  }

  /** Stops following a user who was out of a room, unless another has been shared with the own server since a position. */
  forgetUser(
    userId: string,
    { roomNid, since }: { roomNid: number; since: number },
    ownHost: string,
  ): WriteStatement {
    return { prepared: this.#forgetUser, rows: [[userId, roomNid, since, ownHost, since]] }
  }

  /** Stops following everybody in a room that the own server was out of, unless another has been shared since a position. */
  forgetRoom({ roomNid, since }: { roomNid: number; since: number }, ownHost: string): WriteStatement {
    return { prepared: this.#forgetRoom, rows: [[roomNid, ownHost, roomNid, since, ownHost, since]] }
  }

  /** Stops keeping users' devices: nobody here shares a room with them any more. */
  forget(userIds: readonly string[]): WriteStatement[] {
    const rows = userIds.map(userId => [userId])
    return [
      { prepared: this.#forget, rows },
      { prepared: this.#dropAll, rows },
    ]
  }
}
