import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'
import { NOTIFYING } from '../followed-streams.ts'

/** A stretch of a room's timeline whose events are not here, and the positions that are kept free for them. */
export interface TimelineGap {
  /** Free are the positions after this one… */
  readonly base: number
  /** …and before this one: that of the oldest event above the gap. */
  readonly floor: number
  /** No event above this position refers to what is missing here. */
  readonly top: number
  /** When it was noticed: milliseconds since 1970. */
  readonly openedTs: number
}

const COLUMNS = 'base, floor, top, opened_ts AS "openedTs"'

/** Reads where timelines have gaps. */
export class TimelineGapReader {
  readonly #db: Reader
  readonly #ofRoom: Prepared
  readonly #missing: Prepared
  readonly #behind: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#ofRoom = db.prepare(`SELECT ${COLUMNS} FROM timeline_gaps WHERE room_nid = ? ORDER BY base DESC`)
    this.#missing = db.prepare(
      `SELECT b.missing_event_id AS id, MAX(e.depth) AS deepest FROM backward_extremities b
       JOIN events e ON e.event_nid = b.event_nid
       WHERE b.room_nid = ? AND e.position > ? AND e.position <= ?
       GROUP BY b.missing_event_id ORDER BY deepest DESC, id`,
    )
    this.#behind = db.prepare(
      `SELECT 1 AS one FROM followed_streams WHERE position < ? AND ${db.dialect.inText('name')} LIMIT 1`,
    )
  }

  /** The gaps of a room, the newest first. */
  ofRoom(roomNid: number): Promise<TimelineGap[]> {
    return this.#db.all<TimelineGap & Record<keyof TimelineGap, number>>(this.#ofRoom, [roomNid])
  }

  /** The IDs of events that are referred to around a gap and are not here; first what the deepest refer to. */
  async missing(roomNid: number, { base, top }: TimelineGap): Promise<string[]> {
    const rows = await this.#db.all<{ id: string }>(this.#missing, [roomNid, base, top])
    return rows.map(row => row.id)
  }

  /** Whether somebody who tells users of what is new has not come past a gap yet, and would take for new what fills it. */
  async isNews({ floor }: TimelineGap): Promise<boolean> {
    const names = this.#db.list(NOTIFYING)
    return (await this.#db.get(this.#behind, [floor, names])) !== undefined
  }
}

/** Builds the statements that change where timelines have gaps. */
export class TimelineGapWriter {
  readonly #open: Prepared
  readonly #widen: Prepared
  readonly #fill: Prepared
  readonly #refilled: Prepared
  readonly #close: Prepared

  constructor(db: Reader) {
    this.#open = db.prepare(
      'INSERT INTO timeline_gaps (room_nid, base, floor, top, opened_ts) VALUES (?, ?, ?, ?, ?)',
    )
    this.#widen = db.prepare('UPDATE timeline_gaps SET top = ? WHERE room_nid = ? AND base = ?')
    this.#fill = db.prepare('UPDATE timeline_gaps SET floor = ? WHERE room_nid = ? AND base = ?')
    this.#refilled = db.prepare('UPDATE rooms SET refills = refills + 1 WHERE room_nid = ?')
    this.#close = db.prepare(
      `DELETE FROM timeline_gaps WHERE room_nid = ? AND NOT EXISTS (
         SELECT 1 FROM backward_extremities b JOIN events e ON e.event_nid = b.event_nid
         WHERE b.room_nid = timeline_gaps.room_nid
           AND e.position > timeline_gaps.base AND e.position <= timeline_gaps.top)`,
    )
  }

  /** There is a gap before the event at a position; `base` as of `TimelineGap`. */
  open(roomNid: number, gap: { base: SqlParameter; at: SqlParameter; openedTs: number }): WriteStatement {
    const { base, at, openedTs } = gap
    return { prepared: this.#open, rows: [[roomNid, base, at, at, openedTs]] }
  }

  /** What the event at a position refers to is missing in a gap that is there already. */
  widen(roomNid: number, { base }: TimelineGap, at: SqlParameter): WriteStatement {
    return { prepared: this.#widen, rows: [[at, roomNid, base]] }
  }

  /** Events were put into a gap, from a position on up to where it ended. */
  fill(roomNid: number, { base }: TimelineGap, floor: number): WriteStatement[] {
    return [
      { prepared: this.#fill, rows: [[floor, roomNid, base]] },
      { prepared: this.#refilled, rows: [[roomNid]] },
    ]
  }

  /** Forgets those gaps in which nothing is missing any more, as earlier statements of the set have made it. */
  close(roomNid: number): WriteStatement {
    return { prepared: this.#close, rows: [[roomNid]] }
  }
}
