import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** What was left of a local user's membership when its room was removed. */
export interface RemovedMembership {
  readonly roomId: string
  /** Where the removal stands in the stream `invites`. */
  readonly position: number
  /** Who has followed the stream `events` up to here was told that they are out; `Infinity` where nobody may have been. */
  readonly toldBefore: number
  /** Where the removal stands among the events of rooms: what that stream had next. */
  readonly eventPosition: number
  readonly membership: 'leave' | 'ban'
  /** Of the member event, which is gone. */
  readonly sender: string
  readonly eventId: string
  readonly ts: number
}

interface Columns {
  room_id: string
  position: number
  told_before: number
  event_position: number
  membership: 'leave' | 'ban'
  sender: string
  event_id: string
  ts: number
}

/** Of whoever was in a room almost until its removal it is not known what they have heard. */
const UNTOLD = Number.MAX_SAFE_INTEGER
const ALMOST_MS = 86_400_000

/** Reads which rooms were taken away from users. */
export class RemovedMembershipReader {
  readonly #db: Reader
  readonly #ofUser: Prepared
  readonly #users: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#users = db.prepare(
      'SELECT DISTINCT user_id FROM removed_memberships WHERE position > ? AND position <= ?',
    )
    this.#ofUser = db.prepare(
      `SELECT room_id, position, told_before, event_position, membership, sender, event_id, ts FROM removed_memberships
       WHERE user_id = ? AND position > ? AND position <= ? ORDER BY position`,
    )
  }

  /** Whose rooms were removed after one position of the stream `invites` up to another. */
  async users(after: number, upTo: number): Promise<string[]> {
    const rows = await this.#db.all<{ user_id: string }>(this.#users, [after, upTo])
    return rows.map(row => row.user_id)
  }

  /** Those of a user whose rooms were removed after one position of the stream `invites` up to another. */
  async ofUser(userId: string, after: number, upTo: number): Promise<RemovedMembership[]> {
    const rows = await this.#db.all<Columns>(this.#ofUser, [userId, after, upTo])
    return rows.map(row => ({
      roomId: row.room_id,
      position: row.position,
      toldBefore: row.told_before === UNTOLD ? Number.POSITIVE_INFINITY : row.told_before,
      eventPosition: row.event_position,
      membership: row.membership,
      sender: row.sender,
      eventId: row.event_id,
      ts: row.ts,
    }))
  }
}

/** Builds the statements that write down who was in a room which is removed. */
export class RemovedMembershipWriter {
  readonly #remember: Prepared

  constructor(db: Reader) {
    // Who was in it still is out now, by no event: the ID is one of its own.
    this.#remember = db.prepare(
      `INSERT INTO removed_memberships
         (user_id, room_id, position, told_before, event_position, membership, sender, event_id, ts, removed_ts)
       SELECT m.user_id, CAST(? AS text), CAST(? AS bigint),
         CASE WHEN m.membership = 'join' OR e.origin_server_ts > CAST(? AS bigint) THEN ${UNTOLD} ELSE m.position END,
         COALESCE((SELECT position FROM streams WHERE name = 'events'), 0) + 1,
         CASE m.membership WHEN 'ban' THEN 'ban' ELSE 'leave' END, e.sender,
         CASE m.membership WHEN 'join' THEN '$removed-' || substr(e.event_id, 2) ELSE e.event_id END,
         e.origin_server_ts, CAST(? AS bigint)
       FROM memberships m JOIN events e ON e.event_nid = m.event_nid
       WHERE m.room_nid = ? AND m.host = ? AND m.membership IN ('join', 'leave', 'ban')
       ON CONFLICT (user_id, room_id) DO UPDATE SET position = excluded.position, told_before = excluded.told_before,
         event_position = excluded.event_position,
         membership = excluded.membership, sender = excluded.sender, event_id = excluded.event_id, ts = excluded.ts,
         removed_ts = excluded.removed_ts`,
    )
  }

  /** Who of a server is or was in a room that is removed; before its memberships are. */
  remember(
    { roomNid, roomId }: { readonly roomNid: number; readonly roomId: string },
    { host, now }: { readonly host: string; readonly now: number },
  ): WriteStatement {
    const position = { stream: 'invites', offset: 0 } as const
    return { prepared: this.#remember, rows: [[roomId, position, now - ALMOST_MS, now, roomNid, host]] }
  }
}
