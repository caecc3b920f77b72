import type { Prepared, Reader } from '../database.ts'
import { listedRows } from '../listed-rows.ts'
import type { EventCache } from './event-cache.ts'

/** An event as a node of the graph that `auth_events` span. */
export interface AuthNode {
  readonly nid: number
  readonly generation: number
}

interface NodeColumns {
  event_nid: number
  event_id: string
  generation: number
}

interface EdgeColumns {
  event_nid: number
  auth_nid: number
  generation: number
}

/** Reads the graph that `auth_events` span, without loading any of the events. */
export class AuthGraphReader {
  readonly #db: Reader
  readonly #cache: EventCache
  readonly #chain: Prepared
  readonly #edges: Prepared
  readonly #nodes: Prepared

  /** @param cache of loaded events, which are asked for nowhere else */
  constructor(db: Reader, cache: EventCache) {
    this.#db = db
    this.#cache = cache
    this.#chain = db.prepare(
      `WITH RECURSIVE chain (auth_nid) AS (
         SELECT auth_nid FROM event_auth WHERE ${db.dialect.inInteger('event_nid')}
         UNION
         SELECT a.auth_nid FROM chain c JOIN event_auth a ON a.event_nid = c.auth_nid
       ) SELECT auth_nid FROM chain`,
    )
    this.#edges = db.prepare(
      `SELECT a.event_nid, a.auth_nid, e.generation FROM event_auth a JOIN events e ON e.event_nid = a.auth_nid
       WHERE ${db.dialect.inInteger('a.event_nid')}`,
    )
    this.#nodes = db.prepare(
      `SELECT event_nid, event_id, generation FROM events WHERE ${db.dialect.inText('event_id')}`,
    )
  }

  /** Those event IDs that are stored, as nodes, by event ID. */
  async nodes(eventIds: readonly string[]): Promise<Map<string, AuthNode>> {
    const found = new Map<string, AuthNode>()
    const missing: string[] = []
    for (const eventId of eventIds) {
      const stored = this.#cache.byId(eventId)
      if (stored === undefined) missing.push(eventId)
      else found.set(eventId, stored)
    }
    if (missing.length === 0) return found
    const rows = await listedRows<NodeColumns>(this.#db, this.#nodes, missing)
    for (const row of rows) found.set(row.event_id, { nid: row.event_nid, generation: row.generation })
    return found
  }

  /** The auth events of events; events without auth events are left out. */
  async edges(nids: readonly number[]): Promise<Map<number, AuthNode[]>> {
    const rows = await listedRows<EdgeColumns>(this.#db, this.#edges, nids)
    const edges = new Map<number, AuthNode[]>()
    for (const { event_nid: from, auth_nid: nid, generation } of rows) {
      const list = edges.get(from)
      if (list === undefined) edges.set(from, [{ nid, generation }])
      else list.push({ nid, generation })
    }
    return edges
  }

  /** The auth chain of events, without the events themselves unless they are in each other's chain: nids. */
  async chain(nids: readonly number[]): Promise<number[]> {
    const rows = await this.#db.scan<{ auth_nid: number }>(this.#chain, [this.#db.list(nids)])
    return rows.map(row => row.auth_nid)
  }
}
