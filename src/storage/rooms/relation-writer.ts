import type { Relation } from '../../core/relations.ts'
import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'

/** An event that relates to another, to be stored. */
export interface NewRelation extends Relation {
  readonly nid: number
  readonly eventId: string
  readonly roomNid: number
  readonly type: string
  readonly sender: string
  readonly originServerTs: number
  readonly position: SqlParameter
}

/** A stored relation that is to be forgotten, since its event was redacted. */
export type OldRelation = Pick<NewRelation, 'nid' | 'roomNid' | 'relType' | 'parentId'>

/** Builds the statements that keep the projection of relations. */
export class RelationWriter {
  readonly #insert: Prepared
  readonly #delete: Prepared
  readonly #addToThread: Prepared
  readonly #endThread: Prepared
  readonly #takeFromThread: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO relations (event_nid, event_id, room_nid, parent_id, rel_type, type, sender, annotation_key,
         is_replacement, position, origin_server_ts)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.#delete = db.prepare('DELETE FROM relations WHERE event_nid = ?')
    this.#addToThread = db.prepare(
      `INSERT INTO threads (room_nid, root_id, latest_nid, latest_position, count) VALUES (?, ?, ?, ?, 1)
       ON CONFLICT (room_nid, root_id) DO UPDATE SET count = threads.count + 1,
         latest_nid = CASE WHEN excluded.latest_position > threads.latest_position
           THEN excluded.latest_nid ELSE threads.latest_nid END,
         latest_position = CASE WHEN excluded.latest_position > threads.latest_position
           THEN excluded.latest_position ELSE threads.latest_position END`,
    )
    const isCounted = 'EXISTS (SELECT 1 FROM relations r WHERE r.event_nid = ?)'
    this.#endThread = db.prepare(
      `DELETE FROM threads WHERE room_nid = ? AND root_id = ? AND count <= 1 AND ${isCounted}`,
    )
    const latest = (column: string): string =>
      `(SELECT r.${column} FROM relations r WHERE r.room_nid = threads.room_nid AND r.parent_id = threads.root_id
         AND r.rel_type = 'm.thread' AND r.event_nid <> ? ORDER BY r.position DESC LIMIT 1)`
    this.#takeFromThread = db.prepare(
      `UPDATE threads SET count = count - 1, latest_nid = ${latest('event_nid')},
         latest_position = ${latest('position')}
       WHERE room_nid = ? AND root_id = ? AND ${isCounted}`,
    )
  }

  /** An event that is shown for the first time. */
  insert(relation: NewRelation): WriteStatement[] {
    const { nid, eventId, roomNid, parentId, relType, type, sender, key, position } = relation
    const row = [
      ...[nid, eventId, roomNid, parentId, relType, type, sender, key ?? null],
      ...[relation.isReplacement ? 1 : 0, position, relation.originServerTs],
    ]
    const thread: WriteStatement[] =
      relType === 'm.thread'
        ? [{ prepared: this.#addToThread, rows: [[roomNid, parentId, nid, position]] }]
        : []
    return [{ prepared: this.#insert, rows: [row] }, ...thread]
  }

  /** "When a child event is redacted then the relationship is broken." */
  remove({ nid, roomNid, relType, parentId }: OldRelation): WriteStatement[] {
    const thread: WriteStatement[] =
      relType === 'm.thread'
        ? [
            { prepared: this.#endThread, rows: [[roomNid, parentId, nid]] },
            { prepared: this.#takeFromThread, rows: [[nid, nid, roomNid, parentId, nid]] },
          ]
        : []
    return [...thread, { prepared: this.#delete, rows: [[nid]] }]
  }
}
