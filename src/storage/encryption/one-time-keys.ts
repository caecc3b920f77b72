import type { Prepared, Reader, Row, WriteStatement } from '../database.ts'
import { type KeysLeft, KeysLeftReader } from './keys-left.ts'

/** A key that a device has uploaded. */
export interface OneTimeKey {
  readonly algorithm: string
  readonly keyId: string
  /** JSON text: of an object, or of a string for algorithms without signatures. */
  readonly json: string
}

/** Whose key is wanted, and of which algorithm. */
export interface WantedKey {
  readonly userId: string
  readonly deviceId: string
  readonly algorithm: string
}

export type ClaimedKey = WantedKey & OneTimeKey

/** Reads one-time and fallback keys. */
export class OneTimeKeyReader {
  readonly #db: Reader
  readonly #counts: Prepared
  readonly #known: Prepared
  readonly #left: KeysLeftReader
  readonly #anyLeft: Prepared
  readonly #claimable: Prepared

  constructor(db: Reader) {
    this.#db = db
    const ofDevice = 'FROM one_time_keys WHERE user_id = ? AND device_id = ?'
    this.#counts = db.prepare(
      `SELECT algorithm, count(*) AS n ${ofDevice} AND claimed_ts IS NULL GROUP BY algorithm`,
    )
    this.#known = db.prepare(
      `SELECT algorithm, key_id, json, claimed_ts ${ofDevice} AND ${db.dialect.inText('key_id')}`,
    )
    this.#left = new KeysLeftReader(db)
    const of = (table: string): string =>
      `SELECT DISTINCT user_id AS "userId", device_id AS "deviceId", algorithm FROM ${table}
       WHERE ${db.dialect.inText('user_id')}`
    const left = `${of('one_time_keys')} AND claimed_ts IS NULL`
    this.#anyLeft = db.prepare(left)
    this.#claimable = db.prepare(`${left} UNION ${of('fallback_keys')}`)
  }

  /** How many unclaimed keys a device has, by algorithm. */
  async counts(userId: string, deviceId: string): Promise<Record<string, number>> {
    const rows = await this.#db.all<{ algorithm: string; n: number }>(this.#counts, [userId, deviceId])
    return Object.fromEntries(rows.map(row => [row.algorithm, row.n]))
  }

  /** Which of these key IDs a device has used before, with what they stood for. */
  async known(
    userId: string,
    deviceId: string,
    keyIds: readonly string[],
  ): Promise<(OneTimeKey & { readonly isClaimed: boolean })[]> {
    const rows = await this.#db.scan<{
      algorithm: string
      key_id: string
      json: string
      claimed_ts: number | null
    }>(this.#known, [userId, deviceId, this.#db.list(keyIds)])
    return rows.map(row => ({
      algorithm: row.algorithm,
      keyId: row.key_id,
      json: row.json,
      isClaimed: row.claimed_ts !== null,
    }))
  }

  /** What is left of a device's keys, in one look, since every response of `/sync` tells it. */
  left(userId: string, deviceId: string): Promise<KeysLeft> {
    return this.#left.of(userId, deviceId)
  }

  /** Of which algorithms the devices of some users have unclaimed keys. */
  anyLeft(userIds: readonly string[]): Promise<WantedKey[]> {
    return this.#db.scan<WantedKey & object>(this.#anyLeft, [this.#db.list(userIds)])
  }

  /** Of which algorithms the devices of some users have keys that can be given out, fallback keys included. */
  claimable(userIds: readonly string[]): Promise<WantedKey[]> {
    const users = this.#db.list(userIds)
    return this.#db.scan<WantedKey & object>(this.#claimable, [users, users])
  }
}

/** Builds the statements that upload and give out keys. */
export class OneTimeKeyWriter {
  readonly #insert: Prepared
  readonly #claim: Prepared
  readonly #setFallback: Prepared
  readonly #useFallback: Prepared
  readonly #forgetClaimed: Prepared
  readonly #dropKeys: Prepared
  readonly #dropFallback: Prepared

  constructor(db: Reader) {
    // A key ID that was given out may come back with another key: a client that was restored counts from anew.
    this.#insert = db.prepare(
      `INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, ordinal, json)
       SELECT user_id, device_id, CAST(? AS text), CAST(? AS text), 1 + coalesce((
         SELECT max(k.ordinal) FROM one_time_keys k WHERE k.user_id = d.user_id AND k.device_id = d.device_id), 0),
         CAST(? AS text)
       FROM devices d WHERE d.user_id = ? AND d.device_id = ?
       ON CONFLICT (user_id, device_id, algorithm, key_id) DO UPDATE
         SET json = excluded.json, ordinal = excluded.ordinal, claimed_ts = NULL
         WHERE one_time_keys.claimed_ts IS NOT NULL AND one_time_keys.json <> excluded.json`,
    )
    // Whoever comes second to a key in another process finds it claimed, gets nothing, and asks again.
    this.#claim = db.prepare(
      `UPDATE one_time_keys SET claimed_ts = ?
       WHERE user_id = ? AND device_id = ? AND algorithm = ? AND claimed_ts IS NULL AND key_id = (
         SELECT k.key_id FROM one_time_keys k
         WHERE k.user_id = ? AND k.device_id = ? AND k.algorithm = ? AND k.claimed_ts IS NULL
         ORDER BY k.ordinal, k.key_id LIMIT 1)
       RETURNING user_id, device_id, algorithm, key_id, json`,
    )
    // The same key once more (its answer was lost) stays as used as it is.
    this.#setFallback = db.prepare(
      `INSERT INTO fallback_keys (user_id, device_id, algorithm, key_id, json, used)
       SELECT user_id, device_id, CAST(? AS text), CAST(? AS text), CAST(? AS text), 0
       FROM devices d WHERE d.user_id = ? AND d.device_id = ?
       ON CONFLICT (user_id, device_id, algorithm) DO UPDATE
         SET key_id = excluded.key_id, json = excluded.json, used = 0
         WHERE fallback_keys.key_id <> excluded.key_id OR fallback_keys.json <> excluded.json`,
    )
    this.#useFallback = db.prepare(
      `UPDATE fallback_keys SET used = 1 WHERE user_id = ? AND device_id = ? AND algorithm = ?
       RETURNING user_id, device_id, algorithm, key_id, json`,
    )
    this.#forgetClaimed = db.prepare(
      'DELETE FROM one_time_keys WHERE user_id = ? AND device_id = ? AND claimed_ts < ?',
    )
    this.#dropKeys = db.prepare('DELETE FROM one_time_keys WHERE user_id = ? AND device_id = ?')
    this.#dropFallback = db.prepare('DELETE FROM fallback_keys WHERE user_id = ? AND device_id = ?')
  }

  /** Adds keys, to be given out after those that are there. Keys that are there, or were given out, change nothing. */
  insert(userId: string, deviceId: string, keys: readonly OneTimeKey[]): WriteStatement {
    return {
      prepared: this.#insert,
      rows: keys.map(({ algorithm, keyId, json }) => [algorithm, keyId, json, userId, deviceId]),
    }
  }

  /** Gives out one key for each that is wanted, as far as there are any. Returns them as `claimed`. */
  claim(wanted: readonly WantedKey[], now: number): WriteStatement {
    return {
      prepared: this.#claim,
      rows: wanted.map(({ userId, deviceId, algorithm }) => [
        now,
        userId,
        deviceId,
        algorithm,
        userId,
        deviceId,
        algorithm,
      ]),
      returning: 'claimed',
    }
  }

  /** Sets fallback keys, one for each algorithm. */
  setFallback(userId: string, deviceId: string, keys: readonly OneTimeKey[]): WriteStatement {
    return {
      prepared: this.#setFallback,
      rows: keys.map(({ algorithm, keyId, json }) => [algorithm, keyId, json, userId, deviceId]),
    }
  }

  /** Gives out fallback keys. Returns them as `claimed`. */
  useFallback(wanted: readonly WantedKey[]): WriteStatement {
    return {
      prepared: this.#useFallback,
      rows: wanted.map(({ userId, deviceId, algorithm }) => [userId, deviceId, algorithm]),
      returning: 'claimed',
    }
  }

  /** Forgets keys of a device that were given out before an instant (ms). */
  forgetClaimed(userId: string, deviceId: string, before: number): WriteStatement {
    return { prepared: this.#forgetClaimed, rows: [[userId, deviceId, before]] }
  }

  /** Removes all keys of devices. */
  dropDevices(userId: string, deviceIds: readonly string[]): WriteStatement[] {
    const rows = deviceIds.map(deviceId => [userId, deviceId])
    return [
      { prepared: this.#dropKeys, rows },
      { prepared: this.#dropFallback, rows },
    ]
  }
}

/** A row that `claim` or `useFallback` has returned. */
export const claimedKey = (row: Row): ClaimedKey => ({
  userId: String(row['user_id']),
  deviceId: String(row['device_id']),
  algorithm: String(row['algorithm']),
  keyId: String(row['key_id']),
  json: String(row['json']),
})
