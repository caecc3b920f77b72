import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'
import type { FailingDestination, PendingRoom } from './outbox-reader.ts'

/** An EDU that is to be kept until its destinations have it. */
export interface NewEdu {
  readonly destinations: readonly string[]
  /** JSON text. */
  readonly payload: string
  readonly key: string | undefined
}

/** Builds the statements that change what is to be sent. */
export class OutboxWriter {
  readonly #distributed: Prepared
  readonly #addRoom: Prepared
  readonly #addEarlier: Prepared
  readonly #removeRoom: Prepared
  readonly #shorten: Prepared
  readonly #succeeded: Prepared
  readonly #failed: Prepared
  readonly #addEdu: Prepared
  readonly #addEduDestination: Prepared
  readonly #removeKey: Prepared
  readonly #removeEduDestination: Prepared
  readonly #removeEdu: Prepared
  readonly #drop: readonly Prepared[]
  readonly #expire: readonly Prepared[]

  constructor(db: Reader) {
    this.#distributed = db.prepare(
      `INSERT INTO federation_sender (id, position) VALUES (1, ?)
       ON CONFLICT (id) DO UPDATE SET position = excluded.position`,
    )
    this.#addRoom = db.prepare(
      `INSERT INTO federation_destination_rooms (server, room_nid, since, position) VALUES (?, ?, ?, ?)
       ON CONFLICT (server, room_nid) DO UPDATE SET position = excluded.position`,
    )
    this.#addEarlier = db.prepare(
      `INSERT INTO federation_destination_rooms AS d (server, room_nid, since, position) VALUES (?, ?, ?, ?)
       ON CONFLICT (server, room_nid) DO UPDATE SET
         since = CASE WHEN excluded.since < d.since THEN excluded.since ELSE d.since END,
         position = CASE WHEN excluded.position > d.position THEN excluded.position ELSE d.position END`,
    )
    this.#removeRoom = db.prepare(
      'DELETE FROM federation_destination_rooms WHERE server = ? AND room_nid = ? AND position <= ?',
    )
    this.#shorten = db.prepare(
      'UPDATE federation_destination_rooms SET since = ? WHERE server = ? AND room_nid = ? AND since < ?',
    )
    this.#succeeded = db.prepare(
      `INSERT INTO federation_destinations (server, acknowledged, last_success_ts, failures) VALUES (?, ?, ?, 0)
       ON CONFLICT (server) DO UPDATE SET last_success_ts = excluded.last_success_ts, failures = 0,
         acknowledged = CASE WHEN excluded.acknowledged > federation_destinations.acknowledged
           THEN excluded.acknowledged ELSE federation_destinations.acknowledged END,
         first_failed_ts = NULL, last_failed_ts = NULL, retry_ts = NULL`,
    )
    this.#failed = db.prepare(
      `INSERT INTO federation_destinations
         (server, acknowledged, failures, first_failed_ts, last_failed_ts, retry_ts) VALUES (?, 0, ?, ?, ?, ?)
       ON CONFLICT (server) DO UPDATE SET failures = excluded.failures, retry_ts = excluded.retry_ts,
         first_failed_ts = excluded.first_failed_ts, last_failed_ts = excluded.last_failed_ts`,
    )
    this.#addEdu = db.prepare('INSERT INTO federation_edus (position, payload, created_ts) VALUES (?, ?, ?)')
    this.#addEduDestination = db.prepare(
      'INSERT INTO federation_edu_destinations (server, position, edu_key) VALUES (?, ?, ?)',
    )
    this.#removeKey = db.prepare('DELETE FROM federation_edu_destinations WHERE server = ? AND edu_key = ?')
    this.#removeEduDestination = db.prepare(
      'DELETE FROM federation_edu_destinations WHERE server = ? AND position = ?',
    )
    this.#removeEdu = db.prepare(
      `DELETE FROM federation_edus WHERE position = ? AND NOT EXISTS (
         SELECT 1 FROM federation_edu_destinations d WHERE d.position = federation_edus.position)`,
    )
    this.#drop = [
      'federation_destination_rooms',
      'federation_edu_destinations',
      'federation_destinations',
    ].map(table => db.prepare(`DELETE FROM ${table} WHERE server = ?`))
    this.#expire = [
      `DELETE FROM federation_edu_destinations
       WHERE position IN (SELECT position FROM federation_edus WHERE created_ts < ?)`,
      'DELETE FROM federation_edus WHERE created_ts < ?',
      `DELETE FROM federation_destination_rooms
       WHERE server IN (SELECT server FROM federation_destinations WHERE first_failed_ts < ?)`,
      'DELETE FROM federation_destinations WHERE COALESCE(first_failed_ts, last_success_ts) < ?',
    ].map(sql => db.prepare(sql))
  }

  /** The stream of events has been distributed up to here. */
  distributed(position: number): WriteStatement {
    return { prepared: this.#distributed, rows: [[position]] }
  }

  /** Servers have something to get of rooms. */
  addRooms(pending: readonly (PendingRoom & { readonly server: string })[]): WriteStatement[] {
    const rows = pending.map(({ server, roomNid, since, newest }) => [server, roomNid, since, newest])
    return rows.length === 0 ? [] : [{ prepared: this.#addRoom, rows }]
  }

  /** Servers turn out to have something to get of rooms from earlier on than was known. */
  addEarlier(pending: readonly (PendingRoom & { readonly server: string })[]): WriteStatement[] {
    const rows = pending.map(({ server, roomNid, since, newest }) => [server, roomNid, since, newest])
    return rows.length === 0 ? [] : [{ prepared: this.#addEarlier, rows }]
  }

  /** A server has acknowledged what rooms had for it up to a position, and some kept EDUs. */
  acknowledged(
    server: string,
    what: {
      readonly rooms: ReadonlyMap<number, number>
      readonly edus: readonly number[]
      readonly now: number
    },
  ): WriteStatement[] {
    const rooms = [...what.rooms]
    const newest = rooms.reduce((max, [, position]) => Math.max(max, position), 0)
    return nonEmpty([
      { prepared: this.#removeRoom, rows: rooms.map(([room, position]) => [server, room, position]) },
      {
        prepared: this.#shorten,
        rows: rooms.map(([room, position]) => [position + 1, server, room, position + 1]),
      },
      { prepared: this.#removeEduDestination, rows: what.edus.map(position => [server, position]) },
      { prepared: this.#removeEdu, rows: what.edus.map(position => [position]) },
      { prepared: this.#succeeded, rows: [[server, newest, what.now]] },
    ])
  }

  /** A server did not answer. */
  failed({ server, failures, firstFailedAt, lastFailedAt, retryAt }: FailingDestination): WriteStatement {
    return { prepared: this.#failed, rows: [[server, failures, firstFailedAt, lastFailedAt, retryAt]] }
  }

  /**
   * Keeps EDUs for servers, in order; one with a key takes the place of what the same key had left for them. All EDUs
   * of a write set go in by one call.
   */
  addEdus(edus: readonly NewEdu[], now: number): WriteStatement[] {
    const removed: SqlParameter[][] = []
    const added: SqlParameter[][] = []
    const addressed: SqlParameter[][] = []
    for (const [offset, { destinations, payload, key }] of edus.entries()) {
      const position: SqlParameter = { stream: 'federation_edus', offset }
      if (key !== undefined) removed.push(...destinations.map(server => [server, key]))
      added.push([position, payload, now])
      addressed.push(...destinations.map(server => [server, position, key ?? null]))
    }
    return nonEmpty([
      { prepared: this.#removeKey, rows: removed },
      { prepared: this.#addEdu, rows: added },
      { prepared: this.#addEduDestination, rows: addressed },
    ])
  }

  /** Forgets everything about a server. */
  drop(server: string): WriteStatement[] {
    return this.#drop.map(prepared => ({ prepared, rows: [[server]] }))
  }

  /**
   * Retention: EDUs from before an instant, and all about servers that have failed since before it, or were last sent
   * something before it.
   */
  expire(before: number): WriteStatement[] {
    return this.#expire.map(prepared => ({ prepared, rows: [[before]] }))
  }
}

const nonEmpty = (statements: readonly WriteStatement[]): WriteStatement[] =>
  statements.filter(({ rows }) => rows.length > 0)
