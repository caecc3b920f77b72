import type { Prepared, Reader } from '../database.ts'
import type { StateSpan } from '../rooms/state-entry.ts'

/** When a member event was the state of its user. */
export interface MemberSpan extends StateSpan {
  readonly userId: string
}

/** Reads how the users of one server have been in a room. */
export class ServerMembershipReader {
  readonly #db: Reader
  readonly #history: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#history = db.prepare(
      `SELECT s.state_key, s.event_nid, s.valid_from, s.valid_to FROM memberships m
       JOIN room_state s ON s.room_nid = m.room_nid AND s.type = 'm.room.member' AND s.state_key = m.user_id
       WHERE m.room_nid = ? AND m.host = ? ORDER BY s.valid_from`,
    )
  }

  /** All that the users of `host` have been in a room, oldest first. */
  async history(roomNid: number, host: string): Promise<MemberSpan[]> {
    const rows = await this.#db.scan<{
      state_key: string
      event_nid: number
      valid_from: number
      valid_to: number | null
    }>(this.#history, [roomNid, host])
    return rows.map(row => ({
      userId: row.state_key,
      nid: row.event_nid,
      from: row.valid_from,
      to: row.valid_to ?? undefined,
    }))
  }
}
