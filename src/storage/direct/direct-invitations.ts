import type { Prepared, Reader } from '../database.ts'

/** One person may have invited another to this many rooms that are looked at. */
const MAX_ROOMS = 20

/** Finds the pending invitations of one person by another. */
export class DirectInvitationReader {
  readonly #db: Reader
  readonly #pending: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#pending = db.prepare(
      `SELECT room_id FROM invitations WHERE user_id = ? AND sender = ? AND kind = 'invite' AND status = 'invited'
       ORDER BY position DESC LIMIT ${MAX_ROOMS}`,
    )
  }

  /** The rooms, newest invitation first. */
  async pending(userId: string, sender: string): Promise<string[]> {
    return (await this.#db.scan<{ room_id: string }>(this.#pending, [userId, sender])).map(row => row.room_id)
  }
}
