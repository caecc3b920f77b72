import type { RoomEvent } from '../../core/event/event.ts'
import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'
import { SOFT_FAILED, WITHHELD } from './stored-event.ts'

/** An event to be stored. `position` is a placeholder for events of the timeline, `null` for outliers. */
export interface NewEvent {
  readonly nid: number
  readonly roomNid: number
  readonly position: SqlParameter
  readonly rejected?: string | undefined
  readonly softFailed?: boolean
  readonly withheld?: boolean
  /** It was sent no earlier than all such events that stand before it in its room. */
  readonly inOrder?: boolean
  readonly event: RoomEvent
  /** The canonical text of `event.pdu`; one of ours may lack our signature. */
  readonly json: string
  readonly authNids: readonly number[]
  /** One more than the greatest generation among the auth events; 0 without any. */
  readonly generation: number
}

/** Builds the statements that store events. */
export class EventWriter {
  readonly #insert: Prepared
  readonly #insertJson: Prepared
  readonly #rewriteJson: Prepared
  readonly #insertAuth: Prepared
  readonly #place: Prepared
  readonly #setRedacted: Prepared
  readonly #reveal: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO events (event_nid, event_id, room_nid, position, type, state_key, sender, depth,
         origin_server_ts, rejected, soft_failed, generation, in_order)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#insertJson = db.prepare('INSERT INTO event_json (event_nid, json) VALUES (?, ?)')
    this.#rewriteJson = db.prepare('UPDATE event_json SET json = ? WHERE event_nid = ?')
    this.#insertAuth = db.prepare(
      'INSERT INTO event_auth (event_nid, auth_nid) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
    this.#place = db.prepare(
      `UPDATE events SET position = ?, rejected = ?, soft_failed = ?, generation = ?, in_order = 0
       WHERE event_nid = ?`,
    )
    this.#setRedacted = db.prepare('UPDATE events SET redacted_by = ? WHERE event_nid = ?')
    // `+ 0`: sought by its nid, not in the index of all that is beside timelines, which PostgreSQL may take to be small.
    this.#reveal = db.prepare(
      `UPDATE events SET soft_failed = 0 WHERE event_nid = ? AND soft_failed + 0 = ${WITHHELD}`,
    )
  }

  /** Stores events with their JSON and their auth edges. */
  insert(events: readonly NewEvent[]): WriteStatement[] {
    const auth = events.flatMap(({ nid, authNids }) => authNids.map(authNid => [nid, authNid]))
    const statements: WriteStatement[] = [
      { prepared: this.#insert, rows: events.map(eventColumns) },
      { prepared: this.#insertJson, rows: events.map(({ nid, json }) => [nid, json]) },
    ]
    if (auth.length > 0) statements.push({ prepared: this.#insertAuth, rows: auth })
    return statements
  }

  /**
   * Gives an event that is stored a place in the timeline: an outlier that has arrived as an event of the room, or a
   * rejected one that has turned out to be right.
   */
  place(event: Omit<NewEvent, 'roomNid' | 'event' | 'json'>): WriteStatement[] {
    const { nid, position, rejected, softFailed, withheld, authNids, generation } = event
    const state = [rejected ?? null, hiding(softFailed, withheld), generation]
    return [
      { prepared: this.#place, rows: [[position, ...state, nid]] },
      ...(authNids.length > 0
        ? [{ prepared: this.#insertAuth, rows: authNids.map(authNid => [nid, authNid]) }]
        : []),
    ]
  }

  /** Replaces what is stored of an event that was known by its ID alone: without its content, or its signatures. */
  rewrite(nid: number, json: string): WriteStatement {
    return { prepared: this.#rewriteJson, rows: [[json, nid]] }
  }

  /** Shows redactions that were withheld. */
  reveal(nids: readonly number[]): WriteStatement[] {
    return nids.length === 0 ? [] : [{ prepared: this.#reveal, rows: nids.map(nid => [nid]) }]
  }

  /** Marks events as redacted by the given redaction. */
  redacted(nids: readonly number[], by: number): WriteStatement {
    return { prepared: this.#setRedacted, rows: nids.map(nid => [by, nid]) }
  }
}

const hiding = (softFailed: boolean | undefined, withheld: boolean | undefined): number => {
  if (softFailed === true) return SOFT_FAILED
  return withheld === true ? WITHHELD : 0
}

const eventColumns = ({
  nid,
  roomNid,
  position,
  rejected,
  event,
  generation,
  inOrder = false,
  softFailed,
  withheld,
}: NewEvent): SqlParameter[] => [
  nid,
  event.eventId,
  roomNid,
  position,
  event.type,
  event.stateKey ?? null,
  event.sender,
  event.depth,
  event.originServerTs,
  rejected ?? null,
  hiding(softFailed, withheld),
  generation,
  inOrder ? 1 : 0,
]
