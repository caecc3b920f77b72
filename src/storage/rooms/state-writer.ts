import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'
import type { StateDelta } from './state-entry.ts'

/** Builds the statements that change the room state. */
export class StateWriter {
  readonly #close: Prepared
  readonly #open: Prepared
  readonly #delta: Prepared
  readonly #clearDelta: Prepared

  constructor(db: Reader) {
    this.#clearDelta = db.prepare('DELETE FROM event_state_delta WHERE event_nid = ?')
    this.#close = db.prepare(
      `UPDATE room_state SET valid_to = ?
       WHERE room_nid = ? AND type = ? AND state_key = ? AND valid_to IS NULL`,
    )
    this.#open = db.prepare(
      `INSERT INTO room_state (room_nid, type, state_key, valid_from, event_nid) VALUES (?, ?, ?, ?, ?)`,
    )
    this.#delta = db.prepare(
      'INSERT INTO event_state_delta (event_nid, type, state_key, state_event_nid) VALUES (?, ?, ?, ?)',
    )
  }

  /**
   * From `position` on these points hold these events; `nid` undefined ends a point. Two changes of one point at the
   * same position are not allowed: the caller keeps the last.
   */
  change(
    roomNid: number,
    position: SqlParameter,
    changes: readonly Omit<StateDelta, 'eventId'>[],
  ): WriteStatement[] {
    if (changes.length === 0) return []
    const opened = changes.filter(change => change.nid !== undefined)
    return [
      {
        prepared: this.#close,
        rows: changes.map(({ type, stateKey }) => [position, roomNid, type, stateKey]),
      },
      {
        prepared: this.#open,
        rows: opened.map(({ type, stateKey, nid }) => [roomNid, type, stateKey, position, nid ?? null]),
      },
    ].filter(statement => statement.rows.length > 0)
  }

  /** Forgets how the state before an event differed, before it is placed anew. */
  clearDelta(eventNid: number): WriteStatement {
    return { prepared: this.#clearDelta, rows: [[eventNid]] }
  }

  /** Stores how the state before an event on a fork differs from the intervals. */
  delta(eventNid: number, deltas: readonly Omit<StateDelta, 'eventId'>[]): WriteStatement[] {
    if (deltas.length === 0) return []
    return [
      {
        prepared: this.#delta,
        rows: deltas.map(({ type, stateKey, nid }) => [eventNid, type, stateKey, nid ?? null]),
      },
    ]
  }
}
