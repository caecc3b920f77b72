import type { Prepared, Reader } from '../../database.ts'
import { listedRows } from '../../listed-rows.ts'

/** Where an event that was moved stands. */
export interface Place {
  readonly eventId: string
  readonly nid: number
  readonly roomNid: number
  /** `null`: beside the timeline. */
  readonly position: number | null
  readonly sender: string
}

/** Finds what was moved by what it is called in Synapse. */
export class Places {
  readonly #db: Reader
  readonly #events: Prepared
  readonly #rooms: Prepared
  readonly #memberships: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#events = db.prepare(
      `SELECT event_id AS "eventId", event_nid AS nid, room_nid AS "roomNid", position, sender FROM events
       WHERE ${db.dialect.inText('event_id')}`,
    )
    this.#rooms = db.prepare(
      `SELECT room_id AS "roomId", room_nid AS nid FROM rooms WHERE ${db.dialect.inText('room_id')}`,
    )
    this.#memberships = db.prepare(
      'SELECT membership FROM memberships WHERE user_id = ? AND room_nid = ? LIMIT 1',
    )
  }

  /** Those of some events that are here, by their IDs. */
  async events(eventIds: readonly string[]): Promise<Map<string, Place>> {
    const rows = await listedRows<Place>(this.#db, this.#events, [...new Set(eventIds)])
    return new Map(rows.map(row => [row.eventId, row]))
  }

  /** The nids of those rooms that are here. */
  async rooms(roomIds: readonly string[]): Promise<Map<string, number>> {
    const rows = await listedRows<{ roomId: string; nid: number }>(this.#db, this.#rooms, [
      ...new Set(roomIds),
    ])
    return new Map(rows.map(row => [row.roomId, row.nid]))
  }

  /** What somebody is in a room. */
  async membership(userId: string, roomNid: number): Promise<string | undefined> {
    return (await this.#db.get<{ membership: string }>(this.#memberships, [userId, roomNid]))?.membership
  }
}
