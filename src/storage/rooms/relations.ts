import type { Prepared, Reader } from '../database.ts'

/** A child event's place in the room's timeline. */
export interface ChildPlace {
  readonly nid: number
  readonly position: number
}

/** Which children of an event are wanted. Positions are exclusive at `after` and inclusive at `upTo`. */
export interface ChildrenQuery {
  readonly roomNid: number
  readonly parentId: string
  readonly relType: string | undefined
  readonly eventType: string | undefined
  /** Also children of children, down to `MAX_RELATION_DEPTH`. */
  readonly recurse: boolean
  readonly direction: 'b' | 'f'
  readonly after: number
  readonly upTo: number
  readonly limit: number
}

interface PlaceColumns {
  event_nid: number
  position: number
}

/** "Homeservers SHOULD traverse at least 3 levels of relationships." */
export const MAX_RELATION_DEPTH = 3

/** References that one event is shown with. */
const MAX_REFERENCES = 1_000

/** Reads which events relate to which (client-server API, "Aggregations of child events"). */
export class RelationReader {
  readonly #db: Reader
  readonly #children: Readonly<Record<'b' | 'f', Prepared>>
  readonly #typedChildren: Readonly<Record<'b' | 'f', Prepared>>
  readonly #descendants: Readonly<Record<'b' | 'f', Prepared>>
  readonly #parents: Prepared
  readonly #replacements: Prepared
  readonly #references: Prepared
  readonly #annotation: Prepared

  constructor(db: Reader) {
    this.#db = db
    const { inText, inInteger } = db.dialect
    const directed = (make: (order: string) => string) => ({
      b: db.prepare(make(' DESC')),
      f: db.prepare(make('')),
    })
    // What is not asked for is passed as NULL.
    const isOfType = 'r.type = COALESCE(CAST(? AS text), r.type)'
    const span = 'position > ? AND position <= ?'
    const children = (ofRelType: string) =>
      directed(
        order => `SELECT r.event_nid, r.position FROM relations r
          WHERE r.room_nid = ? AND r.parent_id = ?${ofRelType} AND ${isOfType} AND r.${span}
          ORDER BY r.position${order} LIMIT ?`,
      )
    this.#children = children('')
    this.#typedChildren = children(' AND r.rel_type = ?')
    // Written as a product, which SQLite takes in this order: else it compares all of the room with all that it found.
    // What is asked for are the events to be returned: the way there may lead through others, as to reactions in a thread.
    this.#descendants = directed(
      order => `WITH RECURSIVE tree (event_id, event_nid, position, rel_type, type, depth) AS (
          SELECT r.event_id, r.event_nid, r.position, r.rel_type, r.type, 1 FROM relations r
          WHERE r.room_nid = ? AND r.parent_id = ?
          UNION
          SELECT r.event_id, r.event_nid, r.position, r.rel_type, r.type, t.depth + 1
          FROM tree t CROSS JOIN relations r
          WHERE r.room_nid = ? AND r.parent_id = t.event_id AND t.depth < ${MAX_RELATION_DEPTH}
        ) SELECT DISTINCT t.event_nid, t.position FROM tree t
          WHERE t.rel_type = COALESCE(CAST(? AS text), t.rel_type) AND t.type = COALESCE(CAST(? AS text), t.type)
            AND ${span} ORDER BY t.position${order} LIMIT ?`,
    )
    this.#parents = db.prepare(
      `SELECT p.event_nid FROM events p WHERE ${inInteger('p.event_nid')} AND EXISTS (
         SELECT 1 FROM relations r WHERE r.room_nid = p.room_nid AND r.parent_id = p.event_id
           AND r.rel_type IN ('m.replace', 'm.thread', 'm.reference'))`,
    )
    // "The most recent event is determined by comparing origin_server_ts", then the event ID. The plus keeps SQLite from
    // the index by position, in which it would go through everything that relates to the event.
    this.#replacements = db.prepare(
      `SELECT p.event_nid AS parent_nid, r.event_nid FROM events p JOIN relations r ON r.event_nid = (
         SELECT x.event_nid FROM relations x WHERE x.room_nid = p.room_nid AND x.parent_id = p.event_id
           AND x.sender = p.sender AND x.type = p.type AND x.is_replacement = 1 AND +x.position <= ?
         ORDER BY x.origin_server_ts DESC, x.event_id DESC LIMIT 1)
       WHERE ${inInteger('p.event_nid')} AND p.state_key IS NULL AND p.redacted_by IS NULL`,
    )
    this.#references = db.prepare(
      `SELECT parent_id, event_nid FROM relations
       WHERE room_nid = ? AND ${inText('parent_id')} AND rel_type = 'm.reference' AND position <= ?
       ORDER BY position LIMIT ${MAX_REFERENCES}`,
    )
    this.#annotation = db.prepare(
      `SELECT 1 AS one FROM relations WHERE room_nid = ? AND parent_id = ? AND rel_type = 'm.annotation'
         AND sender = ? AND type = ? AND annotation_key = ? LIMIT 1`,
    )
  }

  /** Children of an event, in the order of the timeline or against it. */
  async children(query: ChildrenQuery): Promise<ChildPlace[]> {
    const { roomNid, parentId, relType, eventType = null, direction } = query
    const span = [query.after, query.upTo, query.limit]
    const rows = query.recurse
      ? await this.#db.scan<PlaceColumns>(this.#descendants[direction], [
          ...[roomNid, parentId, roomNid, relType ?? null, eventType],
          ...span,
        ])
      : relType === undefined
        ? await this.#db.all<PlaceColumns>(this.#children[direction], [roomNid, parentId, eventType, ...span])
        : await this.#db.all<PlaceColumns>(this.#typedChildren[direction], [
            ...[roomNid, parentId, relType, eventType],
            ...span,
          ])
    return rows.map(row => ({ nid: row.event_nid, position: row.position }))
  }

  /** Those of these events that have children which are aggregated. */
  async parents(eventNids: readonly number[]): Promise<Set<number>> {
    const rows = await this.#db.all<{ event_nid: number }>(this.#parents, [this.#db.list(eventNids)])
    return new Set(rows.map(row => row.event_nid))
  }

  /** The newest valid replacement of each of these events, up to a position: parent nid → nid. */
  async replacements(eventNids: readonly number[], upTo: number): Promise<Map<number, number>> {
    const rows = await this.#db.all<{ parent_nid: number; event_nid: number }>(this.#replacements, [
      upTo,
      this.#db.list(eventNids),
    ])
    return new Map(rows.map(row => [row.parent_nid, row.event_nid]))
  }

  /** What refers to these events: parent ID → nids, oldest first. */
  async references(
    roomNid: number,
    parentIds: readonly string[],
    upTo: number,
  ): Promise<Map<string, number[]>> {
    const rows = await this.#db.all<{ parent_id: string; event_nid: number }>(this.#references, [
      roomNid,
      this.#db.list(parentIds),
      upTo,
    ])
    const found = new Map<string, number[]>()
    for (const row of rows) found.set(row.parent_id, [...(found.get(row.parent_id) ?? []), row.event_nid])
    return found
  }

  /** Whether somebody has annotated an event with this already. */
  async hasAnnotation(
    roomNid: number,
    annotation: { parentId: string; sender: string; type: string; key: string },
  ): Promise<boolean> {
    const { parentId, sender, type, key } = annotation
    return (await this.#db.get(this.#annotation, [roomNid, parentId, sender, type, key])) !== undefined
  }
}
