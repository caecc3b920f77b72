import type { Prepared, Reader, WriteStatement } from '../database.ts'
import type { PurgeBoundary } from './rooms.ts'
import { TimelineGapWriter } from './timeline-gaps.ts'

/** Builds the statements of a purge that are not those of removing events. */
export class PurgeWriter {
  readonly #db: Reader
  readonly #boundary: Prepared
  readonly #unplace: Prepared
  readonly #clearDeltas: Prepared
  readonly #clearRelations: Prepared
  readonly #clearActions: Prepared
  readonly #clearOfGroups: Prepared
  readonly #intervals: Prepared
  readonly #missing: Prepared
  readonly #gaps: TimelineGapWriter
  readonly #receipts: Prepared
  readonly #subscriptions: Prepared

  constructor(db: Reader) {
    this.#db = db
    const { inInteger } = db.dialect
    this.#boundary = db.prepare(
      'UPDATE rooms SET purged_to = ?, purged_depth = ?, purged_before = ? WHERE room_nid = ?',
    )
    this.#unplace = db.prepare(`UPDATE events SET position = NULL WHERE ${inInteger('event_nid')}`)
    this.#clearDeltas = db.prepare(`DELETE FROM event_state_delta WHERE ${inInteger('event_nid')}`)
    this.#clearRelations = db.prepare(`DELETE FROM relations WHERE ${inInteger('event_nid')}`)
    this.#clearActions = db.prepare(`DELETE FROM push_actions WHERE ${inInteger('position')}`)
    this.#clearOfGroups = db.prepare('DELETE FROM group_actions WHERE room_nid = ? AND position <= ?')
    this.#intervals = db.prepare(
      'DELETE FROM room_state WHERE room_nid = ? AND valid_to IS NOT NULL AND valid_to <= ?',
    )
    this.#gaps = new TimelineGapWriter(db)
    this.#missing = db.prepare(
      `DELETE FROM backward_extremities WHERE room_nid = ? AND ${inInteger('event_nid')}`,
    )
    this.#receipts = db.prepare(
      `DELETE FROM receipts WHERE room_nid = ? AND thread_id NOT IN ('', 'main') AND event_position <= ?`,
    )
    this.#subscriptions = db.prepare(
      `DELETE FROM thread_subscriptions WHERE room_nid = ?
       AND NOT EXISTS (SELECT 1 FROM events e WHERE e.event_id = thread_subscriptions.thread_id)
       AND NOT EXISTS (SELECT 1 FROM threads t WHERE t.room_nid = thread_subscriptions.room_nid
         AND t.root_id = thread_subscriptions.thread_id)`,
    )
  }

  /** Moves the boundary. */
  boundary(roomNid: number, { to, depth, before }: PurgeBoundary): WriteStatement {
    return { prepared: this.#boundary, rows: [[to, depth, before, roomNid]] }
  }

  /** Takes events that have to stay out of the timeline: state is known only as that, and as what it authorises. */
  unplace(events: readonly { readonly nid: number; readonly position: number }[]): WriteStatement[] {
    if (events.length === 0) return []
    const nids = [[this.#db.list(events.map(({ nid }) => nid))]]
    const positions = [[this.#db.list(events.map(({ position }) => position))]]
    return [
      { prepared: this.#unplace, rows: nids },
      { prepared: this.#clearDeltas, rows: nids },
      { prepared: this.#clearRelations, rows: nids },
      { prepared: this.#clearActions, rows: positions },
    ]
  }

  /** Forgets states of before a position, whom events of before notified, and what the purged events referred to without its being here. */
  states(roomNid: number, upTo: number, nids: readonly number[]): WriteStatement[] {
    return [
      { prepared: this.#intervals, rows: [[roomNid, upTo]] },
      { prepared: this.#clearOfGroups, rows: [[roomNid, upTo]] },
      { prepared: this.#missing, rows: [[roomNid, this.#db.list(nids)]] },
      this.#gaps.close(roomNid),
    ]
  }

  /** Forgets what users have read of threads that are gone, and that they subscribe to them. */
  threads(roomNid: number, upTo: number): WriteStatement[] {
    return [
      { prepared: this.#receipts, rows: [[roomNid, upTo]] },
      { prepared: this.#subscriptions, rows: [[roomNid]] },
    ]
  }
}
