import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** Which rooms administrators have blocked. */
export class BlockedRoomReader {
  readonly #db: Reader
  readonly #by: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#by = db.prepare('SELECT blocked_by FROM blocked_rooms WHERE room_id = ?')
  }

  /** The user ID of who has blocked a room, `undefined` if nobody has. */
  async blockedBy(roomId: string): Promise<string | undefined> {
    return (await this.#db.get<{ blocked_by: string }>(this.#by, [roomId]))?.blocked_by
  }
}

/** Builds the statements that block rooms, and no longer. */
export class BlockedRoomWriter {
  readonly #block: Prepared
  readonly #unblock: Prepared

  constructor(db: Reader) {
    this.#block = db.prepare(
      `INSERT INTO blocked_rooms (room_id, blocked_by, created_ts) VALUES (?, ?, ?)
       ON CONFLICT (room_id) DO NOTHING`,
    )
    this.#unblock = db.prepare('DELETE FROM blocked_rooms WHERE room_id = ?')
  }

  /** Blocks a room; whoever was first is remembered. */
  block(roomId: string, userId: string, now: number): WriteStatement {
    return { prepared: this.#block, rows: [[roomId, userId, now]] }
  }

  unblock(roomId: string): WriteStatement {
    return { prepared: this.#unblock, rows: [[roomId]] }
  }
}
