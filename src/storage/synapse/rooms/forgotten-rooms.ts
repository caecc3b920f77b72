import type { Prepared, Reader, WriteStatement } from '../../database.ts'

/** Marks rooms as forgotten by those who have left them. */
export class ForgottenRooms {
  readonly #mark: Prepared

  constructor(db: Reader) {
    this.#mark = db.prepare(
      `UPDATE memberships SET forgotten = 1 WHERE user_id = ? AND membership IN ('leave', 'ban')
       AND room_nid = (SELECT room_nid FROM rooms WHERE room_id = ?)`,
    )
  }

  /** Nothing happens where somebody is in the room, or it is not here. */
  mark(rows: readonly { readonly userId: string; readonly roomId: string }[]): WriteStatement {
    return { prepared: this.#mark, rows: rows.map(({ userId, roomId }) => [userId, roomId]) }
  }
}
