import type { Prepared, Reader } from '../database.ts'
import type { EventReader, StoredEvent, TimelineRange } from './events.ts'

/** `b` reads from the newest backwards, `f` from the oldest forwards. */
export type Direction = 'b' | 'f'

/** What can be told of an event in a room's timeline without loading it. */
export interface TimelineRow {
  readonly nid: number
  readonly position: number
  readonly type: string
  readonly sender: string
  readonly isState: boolean
  readonly redactedBy: number | undefined
  /** The state before it is not what held just before its position: it stands on a fork of the room's graph. */
  readonly forked: boolean
  /** The floor of the first gap that its page comes to (`TimelineGap`): events beyond may have others between. */
  readonly gap?: number | undefined
}

interface Columns {
  event_nid: number
  position: number
  type: string
  sender: string
  is_state: number
  redacted_by: number | null
  forked: number
  gap: number | null
}

/** Pages through rooms' timelines: rows first, so that events which nobody wants are never loaded. */
export class TimelineReader {
  readonly #db: Reader
  readonly #events: EventReader
  readonly #pages: Readonly<Record<Direction, Prepared>>

  constructor(db: Reader, events: EventReader) {
    this.#db = db
    this.#events = events
    // Not of each event, but of the page: looked up once.
    const page = (order: string, first: string): Prepared =>
      db.prepare(
        `SELECT e.event_nid, e.position, e.type, e.sender, CASE WHEN e.state_key IS NULL THEN 0 ELSE 1 END AS is_state,
           e.redacted_by,
           CASE WHEN EXISTS (SELECT 1 FROM event_state_delta d WHERE d.event_nid = e.event_nid) THEN 1 ELSE 0 END
             AS forked,
           (SELECT ${first}(g.floor) FROM timeline_gaps g WHERE g.room_nid = ? AND g.base >= ? AND g.floor <= ?) AS gap
         FROM events e
         WHERE e.room_nid = ? AND e.position > ? AND e.position <= ? AND e.position IS NOT NULL
           AND e.rejected IS NULL AND e.soft_failed = 0
         ORDER BY e.position ${order} LIMIT ?`,
      )
    this.#pages = { b: page('DESC', 'MAX'), f: page('ASC', 'MIN') }
  }

  /** The shown events of a range, as many as its limit, from the end that the direction names. */
  async page(direction: Direction, { roomNid, after, upTo, limit }: TimelineRange): Promise<TimelineRow[]> {
    // A gap counts also to who begins right below it.
    const gaps = [roomNid, after, upTo + 1]
    const rows = await this.#db.all<Columns>(this.#pages[direction], [...gaps, roomNid, after, upTo, limit])
    return rows.map(row => ({
      nid: row.event_nid,
      position: row.position,
      type: row.type,
      sender: row.sender,
      isState: row.is_state !== 0,
      redactedBy: row.redacted_by ?? undefined,
      forked: row.forked !== 0,
      gap: row.gap ?? undefined,
    }))
  }

  /** The events of rows, with what the rows say of them: it is newer than what is cached. */
  load(rows: readonly TimelineRow[]): StoredEvent[] | Promise<StoredEvent[]> {
    const nids = rows.map(row => row.nid)
    const kept = this.#events.kept(nids)
    return kept === undefined
      ? this.#events.byNids(nids).then(events => asInRows(events, rows))
      : asInRows(kept, rows)
  }
}

const asInRows = (events: readonly StoredEvent[], rows: readonly TimelineRow[]): StoredEvent[] => {
  const byNid = new Map(rows.map(row => [row.nid, row]))
  return events.map(stored => {
    const { position, redactedBy } = byNid.get(stored.nid) ?? stored
    // Between a commit and the moment when its writer hears of it the cache does not know the position; redactions
    // may come from other processes.
    if (stored.position === position && stored.redactedBy === redactedBy) return stored
    return { ...stored, position, redactedBy }
  })
}
