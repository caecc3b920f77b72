import type { Prepared, Reader, StreamName, WriteStatement } from '../../database.ts'

/**
 * An event has the position in the stream `events` that it has in that of Synapse, times this. So what a client has of Synapse's tokens
 * says where it is here; and between two events there is room for changes of the state, for history, and for what is missing.
 */
export const POSITIONS_PER_EVENT = 65_536

/** Where an event stands that has come to Synapse at a point of its stream. */
export const positionOf = (stream: number): number => stream * POSITIONS_PER_EVENT

/** Moves streams on to where positions were given out that are not theirs. */
export class StreamMoves {
  readonly #db: Reader
  readonly #move: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#move = db.prepare(
      `INSERT INTO followed_streams (name, position) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET position = excluded.position`,
    )
  }

  /** A stream goes on behind a position. */
  beyond(stream: StreamName, position: number): WriteStatement[] {
    const missing = position - this.#db.position(stream)
    if (missing <= 0) return []
    return [{ prepared: this.#move, rows: [[`imported ${stream}`, { stream, offset: missing - 1 }]] }]
  }
}
