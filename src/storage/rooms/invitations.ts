import type { JsonObject } from '../../core/json.ts'
import { parseJson } from '../../core/parse-json.ts'
import type { Prepared, Reader, SqlParameter, WriteStatement } from '../database.ts'

export type InvitationStatus = 'scheduled' | 'invited' | 'accepted' | 'declined' | 'cancelled' | 'expired'

/** A local user's invitation (or knock) to a room, which may be one that this server has never been in. */
export interface InvitationRow {
  readonly userId: string
  readonly roomId: string
  readonly kind: 'invite' | 'knock'
  readonly sender: string
  readonly status: InvitationStatus
  readonly createdTs: number
  readonly updatedTs: number
  /** Position in the `invites` stream of the last change. */
  readonly position: number
  /** Where it stands among the events of rooms: what the stream `events` had next when it came. */
  readonly eventPosition: number
  /** The member event, as received (the room may have no other event here). */
  readonly event: JsonObject
  readonly eventId: string
  readonly roomVersion: string
  /** What the invited client is shown of the room: stripped state events. */
  readonly strippedState: readonly JsonObject[]
  /** The member event by which it ended, as clients are shown it, where the room's own events do not tell them. */
  readonly ending: JsonObject | undefined
}

/** What an invitation is made of; the rest follows from when it is stored. */
type NewInvitation = Omit<InvitationRow, 'status' | 'position' | 'eventPosition' | 'createdTs' | 'ending'>

/** What became of an invitation. */
export interface InvitationEnd {
  readonly status: InvitationStatus
  /** Milliseconds. */
  readonly now: number
  /** In the stream `invites`. */
  readonly position: SqlParameter
  /** As in `InvitationRow`. */
  readonly ending?: JsonObject | undefined
}

interface InvitationColumns {
  user_id: string
  room_id: string
  kind: 'invite' | 'knock'
  sender: string
  status: InvitationStatus
  created_ts: number
  updated_ts: number
  position: number
  event_position: number
  event: string
  event_id: string
  room_version: string
  stripped_state: string
  ending: string | null
}

const invitationRow = (row: InvitationColumns): InvitationRow => ({
  userId: row.user_id,
  roomId: row.room_id,
  kind: row.kind,
  sender: row.sender,
  status: row.status,
  createdTs: row.created_ts,
  updatedTs: row.updated_ts,
  position: row.position,
  eventPosition: row.event_position,
  event: parseJson(row.event) as JsonObject,
  eventId: row.event_id,
  roomVersion: row.room_version,
  strippedState: parseJson(row.stripped_state) as JsonObject[],
  ending: row.ending === null ? undefined : (parseJson(row.ending) as JsonObject),
})

/** Reads invitations. */
export class InvitationReader {
  readonly #db: Reader
  readonly #one: Prepared
  readonly #pending: Prepared
  readonly #changed: Prepared
  readonly #changedOfAll: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = `SELECT user_id, room_id, kind, sender, status, created_ts, updated_ts, position, event_position,
      event, event_id, room_version, stripped_state, ending FROM invitations`
    this.#one = db.prepare(`${select} WHERE user_id = ? AND room_id = ?`)
    this.#pending = db.prepare(`${select} WHERE user_id = ? AND status = 'invited' AND position <= ?
      ORDER BY position DESC LIMIT ?`)
    this.#changed = db.prepare(
      `${select} WHERE user_id = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?`,
    )
    this.#changedOfAll = db.prepare(
      `${select} WHERE position > ? AND position <= ? ORDER BY position LIMIT ?`,
    )
  }

  async one(userId: string, roomId: string): Promise<InvitationRow | undefined> {
    const row = await this.#db.get<InvitationColumns>(this.#one, [userId, roomId])
    return row && invitationRow(row)
  }

  /** A user's pending invitations and knocks as of a position, newest first. */
  async pending(userId: string, upTo: number, limit: number): Promise<InvitationRow[]> {
    return (await this.#db.all<InvitationColumns>(this.#pending, [userId, upTo, limit])).map(invitationRow)
  }

  /** Those that changed after `after` up to `upTo`, or the first of them, whatever they have become. */
  async changed(
    userId: string,
    after: number,
    upTo: number,
    limit = Number.MAX_SAFE_INTEGER,
  ): Promise<InvitationRow[]> {
    return (await this.#db.all<InvitationColumns>(this.#changed, [userId, after, upTo, limit])).map(
      invitationRow,
    )
  }

  /** The same in portions of about so many, none of which parts what has changed together; and how far that is in the stream. */
  async someChanged(
    userId: string,
    after: number,
    upTo: number,
    limit: number,
  ): Promise<{ readonly rows: InvitationRow[]; readonly upTo: number }> {
    const rows = await this.changed(userId, after, upTo, limit)
    const last = rows.at(-1)?.position
    if (last === undefined || rows.length < limit) return { rows, upTo }
    const known = rows.filter(({ position }) => position < last)
    return { rows: [...known, ...(await this.changed(userId, last - 1, last))], upTo: last }
  }

  /** The same of all users, at most so many. */
  async changedOfAll(after: number, upTo: number, limit: number): Promise<InvitationRow[]> {
    return (await this.#db.all<InvitationColumns>(this.#changedOfAll, [after, upTo, limit])).map(
      invitationRow,
    )
  }
}

/** Builds the statements that change invitations. */
export class InvitationWriter {
  readonly #upsert: Prepared
  readonly #upsertUnchanged: Prepared
  readonly #settle: Prepared
  readonly #settleEvent: Prepared

  constructor(db: Reader) {
    const upsert = `INSERT INTO invitations (user_id, room_id, kind, sender, status, created_ts, updated_ts, position, event,
         event_id, room_version, stripped_state, event_position)
       VALUES (?, ?, ?, ?, 'invited', ?, ?, ?, ?, ?, ?, ?,
         COALESCE((SELECT position FROM streams WHERE name = 'events'), 0) + 1)
       ON CONFLICT (user_id, room_id) DO UPDATE SET kind = excluded.kind, sender = excluded.sender, status = 'invited',
         created_ts = CASE WHEN invitations.status = 'invited' THEN invitations.created_ts ELSE excluded.created_ts END,
         updated_ts = excluded.updated_ts, position = excluded.position, event = excluded.event,
         event_id = excluded.event_id, room_version = excluded.room_version, stripped_state = excluded.stripped_state,
         event_position = excluded.event_position, ending = NULL`
    this.#upsert = db.prepare(upsert)
    this.#upsertUnchanged = db.prepare(`${upsert} WHERE invitations.position = ?`)
    const settle = `UPDATE invitations SET status = ?, updated_ts = ?, position = ?, ending = ?
       WHERE user_id = ? AND room_id = ? AND status = 'invited'`
    this.#settle = db.prepare(settle)
    this.#settleEvent = db.prepare(`${settle} AND event_id = ?`)
  }

  /** A new or renewed invitation. */
  put(row: NewInvitation, position: SqlParameter): WriteStatement {
    return { prepared: this.#upsert, rows: [valuesOf(row, position)] }
  }

  /** The same, if what is there, or that there is nothing, is what was read before: something newer stays. */
  putUnlessChanged(
    row: NewInvitation,
    position: SqlParameter,
    before: Pick<InvitationRow, 'position'> | undefined,
  ): WriteStatement {
    return {
      prepared: this.#upsertUnchanged,
      rows: [[...valuesOf(row, position), before?.position ?? NO_POSITION]],
    }
  }

  /** What became of a pending invitation; nothing happens if none is pending. */
  settle({ userId, roomId }: Pick<InvitationRow, 'userId' | 'roomId'>, end: InvitationEnd): WriteStatement {
    return { prepared: this.#settle, rows: [[...columnsOf(end), userId, roomId]] }
  }

  /** The same, if it is the one that this member event has made. */
  settleEvent(
    { userId, roomId, eventId }: Pick<InvitationRow, 'userId' | 'roomId' | 'eventId'>,
    end: InvitationEnd,
  ): WriteStatement {
    return { prepared: this.#settleEvent, rows: [[...columnsOf(end), userId, roomId, eventId]] }
  }
}

/** No change stands there: positions begin with 1. */
const NO_POSITION = 0

const valuesOf = (row: NewInvitation, position: SqlParameter): SqlParameter[] => [
  row.userId,
  row.roomId,
  row.kind,
  row.sender,
  row.updatedTs,
  row.updatedTs,
  position,
  JSON.stringify(row.event),
  row.eventId,
  row.roomVersion,
  JSON.stringify(row.strippedState),
]

const columnsOf = ({ status, now, position, ending }: InvitationEnd): SqlParameter[] => [
  status,
  now,
  position,
  ending === undefined ? null : JSON.stringify(ending),
]
