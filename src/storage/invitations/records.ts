import type { Prepared, Reader, SqlParameter, SqlValue, WriteStatement } from '../database.ts'
import type { InvitationStatus } from '../rooms/invitations.ts'

import { COLUMNS, type Columns, type InvitationRecord, type StoredInvitation, stored } from './record-row.ts'

export type {
  InvitationDetails,
  InvitationFailure,
  InvitationRecord,
  StoredInvitation,
} from './record-row.ts'

/** Whose invitations: those that a user has got, or has sent. */
export type Direction = 'received' | 'sent'

/** A place in a list, which is ordered by creation, newest first. */
export interface InvitationPlace {
  readonly createdTs: number
  readonly recordId: string
}

const OWNER: Readonly<Record<Direction, string>> = { received: 'user_id', sent: 'inviter' }

/** Reads invitations. */
export class InvitationRecordReader {
  readonly #db: Reader
  readonly #one: Prepared
  readonly #byId: Prepared
  readonly #ofUsers: Prepared
  readonly #changed: Prepared
  readonly #pages: Readonly<Record<Direction, Prepared>>
  readonly #roomPages: Readonly<Record<Direction, Prepared>>
  readonly #pending: Readonly<Record<Direction, Prepared>>
  readonly #ownersOfHeld: Prepared
  readonly #openIn: Prepared
  readonly #withoutRoom: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = `SELECT ${COLUMNS} FROM invitation_records`
    this.#one = db.prepare(`${select} WHERE room_id = ? AND user_id = ?`)
    this.#byId = db.prepare(`${select} WHERE record_id = ?`)
    this.#ofUsers = db.prepare(`${select} WHERE room_id = ? AND ${db.dialect.inText('user_id')}`)
    this.#changed = db.prepare(`${select} WHERE position > ? AND position <= ? ORDER BY position LIMIT ?`)
    const both = (make: (owner: string) => string): Readonly<Record<Direction, Prepared>> => ({
      received: db.prepare(make(OWNER.received)),
      sent: db.prepare(make(OWNER.sent)),
    })
    const newest = `status = ? AND (created_ts, record_id) < (?, ?)
        ORDER BY created_ts DESC, record_id DESC LIMIT ?`
    this.#pages = both(owner => `${select} WHERE ${owner} = ? AND ${newest}`)
    this.#roomPages = both(owner => `${select} WHERE ${owner} = ? AND room_id = ? AND ${newest}`)
    this.#ownersOfHeld = db.prepare(
      `SELECT user_id FROM user_threepids t WHERE medium = 'email' AND EXISTS (
         SELECT 1 FROM invitation_records i WHERE i.user_id = 'mailto:' || t.address AND i.status = 'scheduled')
       GROUP BY user_id LIMIT ?`,
    )
    const isOpen = "status IN ('scheduled', 'invited')"
    this.#openIn = db.prepare(`${select} WHERE room_id = ? AND ${isOpen}`)
    this.#withoutRoom = db.prepare(
      `SELECT DISTINCT room_id AS key FROM invitation_records WHERE ${isOpen}
         AND EXISTS (SELECT 1 FROM users u WHERE u.user_id = invitation_records.inviter)
         AND NOT EXISTS (SELECT 1 FROM rooms r WHERE r.room_id = invitation_records.room_id) LIMIT ?`,
    )
    this.#pending = both(
      owner => `SELECT COUNT(*) AS n FROM (
        SELECT 1 AS one FROM invitation_records WHERE ${owner} = ? AND ${isOpen} LIMIT ?
      ) AS open_ones`,
    )
  }

  /** Users whose are addresses that invitations are held for. */
  async ownersOfHeld(limit: number): Promise<string[]> {
    return (await this.#db.scan<{ user_id: string }>(this.#ownersOfHeld, [limit])).map(row => row.user_id)
  }

  /** Those to a room that are scheduled or pending. */
  async openIn(roomId: string): Promise<StoredInvitation[]> {
    return (await this.#db.scan<Columns>(this.#openIn, [roomId])).map(stored)
  }

  /** Rooms that are none any longer, into which users of this server have invited people who have not answered. */
  async roomsGone(limit: number): Promise<string[]> {
    return (await this.#db.scan<{ key: string }>(this.#withoutRoom, [limit])).map(row => row.key)
  }

  async one(roomId: string, userId: string): Promise<StoredInvitation | undefined> {
    const row = await this.#db.get<Columns>(this.#one, [roomId, userId])
    return row && stored(row)
  }

  async byId(recordId: string): Promise<StoredInvitation | undefined> {
    const row = await this.#db.get<Columns>(this.#byId, [recordId])
    return row && stored(row)
  }

  /** Those of some users to a room. */
  async ofUsers(roomId: string, userIds: readonly string[]): Promise<StoredInvitation[]> {
    const rows = await this.#db.all<Columns>(this.#ofUsers, [roomId, this.#db.list(userIds)])
    return rows.map(stored)
  }

  /** What changed after `after` up to `upTo` of the stream `invitation_records`, in order; each as it is now. */
  async changed(after: number, upTo: number, limit: number): Promise<StoredInvitation[]> {
    return (await this.#db.all<Columns>(this.#changed, [after, upTo, limit])).map(stored)
  }

  /**
   * A stretch of somebody's list, or of what of it is to one room, newest first, after a place. Each status has an index of its
   * own, so that a page costs the same wherever it is and however many others there are.
   */
  async page(
    direction: Direction,
    query: {
      readonly owner: string
      readonly roomId?: string | undefined
      readonly statuses: readonly InvitationStatus[]
      readonly after: InvitationPlace | undefined
      readonly limit: number
    },
  ): Promise<StoredInvitation[]> {
    const { owner, roomId, statuses, limit } = query
    const { createdTs, recordId } = query.after ?? { createdTs: Number.MAX_SAFE_INTEGER, recordId: '' }
    const pages = roomId === undefined ? this.#pages : this.#roomPages
    const of = roomId === undefined ? [owner] : [owner, roomId]
    const found = await Promise.all(
      statuses.map(status =>
        this.#db.scan<Columns>(pages[direction], [...of, status, createdTs, recordId, limit]),
      ),
    )
    return found.flat().map(stored).sort(newestFirst).slice(0, limit)
  }

  /** How many of somebody's invitations are scheduled or pending; counts no further than `limit`. */
  async pending(direction: Direction, owner: string, limit: number): Promise<number> {
    const [row] = await this.#db.scan<{ n: number }>(this.#pending[direction], [owner, limit])
    return row?.n ?? 0
  }
}

const newestFirst = (a: InvitationPlace, b: InvitationPlace): number =>
  b.createdTs - a.createdTs || (a.recordId < b.recordId ? 1 : -1)

/** Builds the statements that change invitations. */
export class InvitationRecordWriter {
  readonly #put: Prepared
  readonly #wake: Prepared
  readonly #forget: Prepared
  readonly #remove: Prepared

  constructor(db: Reader) {
    this.#put = db.prepare(
      `INSERT INTO invitation_records (${COLUMNS}, wake_ts)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (room_id, user_id) DO UPDATE SET record_id = excluded.record_id, inviter = excluded.inviter,
         status = excluded.status, created_ts = excluded.created_ts, updated_ts = excluded.updated_ts,
         expires_ts = excluded.expires_ts, deliver_ts = excluded.deliver_ts, sequence = excluded.sequence,
         silent = excluded.silent, event_id = excluded.event_id, details = excluded.details,
         position = excluded.position, due_ts = excluded.due_ts, wake_ts = excluded.wake_ts
       WHERE invitation_records.position = ?`,
    )
    this.#wake = db.prepare(`UPDATE invitation_records SET wake_ts = ? WHERE record_id = ?`)
    this.#remove = db.prepare('DELETE FROM invitation_records WHERE record_id = ? AND position = ?')
    this.#forget = db.prepare(
      `DELETE FROM invitation_records WHERE updated_ts < ? AND status NOT IN ('scheduled', 'invited')`,
    )
  }

  /**
   * Stores an invitation. Guard `invitation-changed`: it is no longer what it was when it was read.
   *
   * @param before its place in the stream then; `undefined` if there was none.
   */
  put(record: InvitationRecord, before: number | undefined, position: SqlParameter): WriteStatement {
    const { dueTs = null } = record
    const row: SqlValue[] = [
      record.roomId,
      record.userId,
      record.recordId,
      record.inviter,
      record.status,
      record.createdTs,
      record.updatedTs,
      record.expiresTs ?? null,
      record.deliverTs ?? null,
      record.sequence,
      record.silent ? 1 : 0,
      record.eventId ?? null,
      JSON.stringify(record.details),
    ]
    return {
      prepared: this.#put,
      rows: [[...row, position, dueTs, dueTs, before ?? -1]],
      guard: { name: CHANGED, expected: 1 },
    }
  }

  /** Has what is due looked at again later. */
  postpone(recordId: string, wakeTs: number): WriteStatement {
    return { prepared: this.#wake, rows: [[wakeTs, recordId]] }
  }

  /** Removes an invitation. Guard `invitation-changed`: it is no longer what it was when it was read. */
  remove({ recordId, position }: StoredInvitation): WriteStatement {
    return {
      prepared: this.#remove,
      rows: [[recordId, position]],
      guard: { name: CHANGED, expected: 1 },
    }
  }

  /** Removes what has been over since before an instant. */
  forgetBefore(ts: number): WriteStatement {
    return { prepared: this.#forget, rows: [[ts]] }
  }
}

/** The guard of `put` and `remove`. */
export const CHANGED = 'invitation-changed'
