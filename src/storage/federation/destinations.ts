import { containing } from '../../core/search-text.ts'
import type { Prepared, Reader } from '../database.ts'

/** By what administrators have servers ordered, under the names of their tools. */
export const DESTINATION_ORDERS = {
  destination: 'server',
  retry_last_ts: 'CASE WHEN retry_ts IS NULL THEN 0 ELSE last_failed_ts END',
  retry_interval: 'CASE WHEN retry_ts IS NULL THEN 0 ELSE retry_ts - last_failed_ts END',
  failure_ts: 'first_failed_ts',
  last_successful_stream_ordering: 'acknowledged',
} as const
export type DestinationOrder = keyof typeof DESTINATION_ORDERS

/** A server that was ever sent something. Instants are milliseconds since 1970. */
export interface KnownDestination {
  readonly server: string
  /** The newest position of the stream of events that it has acknowledged; 0 for none. */
  readonly acknowledged: number
  /** Since when it does not answer, when it was last tried, and when it is tried next; `undefined` where it answers. */
  readonly failing: { readonly since: number; readonly last: number; readonly next: number } | undefined
}

interface Columns {
  server: string
  acknowledged: number
  first_failed_ts: number | null
  last_failed_ts: number | null
  retry_ts: number | null
}

/** Reads for administrators which servers are written to. */
export class DestinationReader {
  readonly #db: Reader
  readonly #pages = new Map<string, Prepared>()
  readonly #count: Prepared
  readonly #one: Prepared
  readonly #roomsUp: Prepared
  readonly #roomsDown: Prepared
  readonly #countRooms: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = `SELECT server, acknowledged, first_failed_ts, last_failed_ts, retry_ts FROM federation_destinations`
    const wanted = "LOWER(server) LIKE ? ESCAPE '!'"
    for (const direction of ['ASC', 'DESC'] as const) {
      for (const [name, key] of Object.entries(DESTINATION_ORDERS)) {
        const sql = `${select} WHERE ${wanted}
          ORDER BY CASE WHEN ${key} IS NULL THEN 1 ELSE 0 END, ${key} ${direction}, server LIMIT ? OFFSET ?`
        this.#pages.set(`${name} ${direction}`, db.prepare(sql))
      }
    }
    this.#count = db.prepare(`SELECT COUNT(*) AS n FROM federation_destinations WHERE ${wanted}`)
    this.#one = db.prepare(`${select} WHERE server = ?`)
    const shared = `rooms r WHERE EXISTS (SELECT 1 FROM memberships m
      WHERE m.room_nid = r.room_nid AND m.membership = 'join' AND m.host = ?)`
    const rooms = (direction: 'ASC' | 'DESC'): Prepared =>
      db.prepare(
        `SELECT r.room_id AS "roomId", (SELECT MAX(e.position) FROM events e WHERE e.room_nid = r.room_nid
             AND e.position IS NOT NULL AND e.rejected IS NULL AND e.soft_failed = 0) AS newest
         FROM ${shared} ORDER BY r.room_id ${direction} LIMIT ? OFFSET ?`,
      )
    this.#roomsUp = rooms('ASC')
    this.#roomsDown = rooms('DESC')
    this.#countRooms = db.prepare(`SELECT COUNT(*) AS n FROM ${shared}`)
  }

  /** A page of the servers whose names have a part in them. */
  async page(
    part: string,
    page: {
      readonly order: DestinationOrder
      readonly isDescending: boolean
      readonly from: number
      readonly limit: number
    },
  ): Promise<KnownDestination[]> {
    const prepared = this.#pages.get(`${page.order} ${page.isDescending ? 'DESC' : 'ASC'}`)
    if (prepared === undefined) return []
    const parameters = [containing(part.toLowerCase()), page.limit, page.from]
    return (await this.#db.scan<Columns>(prepared, parameters)).map(known)
  }

  async count(part: string): Promise<number> {
    const [row] = await this.#db.scan<{ n: number }>(this.#count, [containing(part.toLowerCase())])
    return Number(row?.n ?? 0)
  }

  async one(server: string): Promise<KnownDestination | undefined> {
    const row = await this.#db.get<Columns>(this.#one, [server])
    return row && known(row)
  }

  /** A page of the rooms that users of a server are in, with the positions of their newest events. */
  async rooms(
    server: string,
    page: { readonly isDescending: boolean; readonly from: number; readonly limit: number },
  ): Promise<{ roomId: string; newest: number }[]> {
    const prepared = page.isDescending ? this.#roomsDown : this.#roomsUp
    const rows = await this.#db.scan<{ roomId: string; newest: number | null }>(prepared, [
      ...[server, page.limit, page.from],
    ])
    return rows.map(({ roomId, newest }) => ({ roomId, newest: Number(newest ?? 0) }))
  }

  async countRooms(server: string): Promise<number> {
    const [row] = await this.#db.scan<{ n: number }>(this.#countRooms, [server])
    return Number(row?.n ?? 0)
  }
}

const known = (row: Columns): KnownDestination => ({
  server: row.server,
  acknowledged: row.acknowledged,
  failing:
    row.retry_ts === null
      ? undefined
      : { since: row.first_failed_ts ?? 0, last: row.last_failed_ts ?? 0, next: row.retry_ts },
})
