import type { Prepared, Reader, WriteStatement } from './database.ts'

/** Something a user found inappropriate and wants an administrator to look at. */
export interface Report {
  readonly reportId: string
  readonly kind: 'event' | 'room' | 'user'
  readonly reporter: string
  readonly roomId?: string
  readonly eventId?: string
  readonly userId?: string
  readonly reason?: string
  /** Milliseconds since 1970. */
  readonly createdTs: number
}

interface ReportColumns {
  report_id: string
  kind: Report['kind']
  reporter: string
  room_id: string | null
  event_id: string | null
  user_id: string | null
  reason: string | null
  created_ts: number
}

const report = (row: ReportColumns): Report => ({
  reportId: row.report_id,
  kind: row.kind,
  reporter: row.reporter,
  ...(row.room_id === null ? {} : { roomId: row.room_id }),
  ...(row.event_id === null ? {} : { eventId: row.event_id }),
  ...(row.user_id === null ? {} : { userId: row.user_id }),
  ...(row.reason === null ? {} : { reason: row.reason }),
  createdTs: row.created_ts,
})

/** Reads reports. */
export class ReportReader {
  readonly #db: Reader
  readonly #newest: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#newest = db.prepare(
      `SELECT report_id, kind, reporter, room_id, event_id, user_id, reason, created_ts FROM reports
       WHERE created_ts < ? ORDER BY created_ts DESC LIMIT ?`,
    )
  }

  /** Reports from before an instant, newest first. */
  async newest(before: number, limit: number): Promise<Report[]> {
    return (await this.#db.all<ReportColumns>(this.#newest, [before, limit])).map(report)
  }
}

/** Builds the statements that store reports. */
export class ReportWriter {
  readonly #insert: Prepared
  readonly #expire: Prepared
  readonly #bound: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO reports (report_id, kind, reporter, room_id, event_id, user_id, reason, created_ts)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#expire = db.prepare('DELETE FROM reports WHERE created_ts < ?')
    this.#bound = db.prepare(
      `DELETE FROM reports WHERE reporter = ? AND created_ts <
         (SELECT created_ts FROM reports WHERE reporter = ? ORDER BY created_ts DESC LIMIT 1 OFFSET ?)`,
    )
  }

  /** Stores a report. Those from before `expired` go, and the oldest of the same user beyond `keep`. */
  insert(row: Report, { expired, keep }: { expired: number; keep: number }): WriteStatement[] {
    const { roomId = null, eventId = null, userId = null, reason = null } = row
    return [
      { prepared: this.#expire, rows: [[expired]] },
      {
        prepared: this.#insert,
        rows: [[row.reportId, row.kind, row.reporter, roomId, eventId, userId, reason, row.createdTs]],
      },
      { prepared: this.#bound, rows: [[row.reporter, row.reporter, keep - 1]] },
    ]
  }
}
