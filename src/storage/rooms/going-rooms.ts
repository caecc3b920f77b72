import type { Prepared, Reader } from '../database.ts'

/** Reads which rooms are removed (`AbandonedRoomWriter`), while some of their events may still be here. */
export class GoingRoomReader {
  readonly #db: Reader
  readonly #has: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#has = db.prepare('SELECT 1 AS one FROM abandoned_rooms WHERE room_id = ? AND is_going = 1')
  }

  async has(roomId: string): Promise<boolean> {
    return (await this.#db.get(this.#has, [roomId])) !== undefined
  }
}
