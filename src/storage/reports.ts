import { containing } from '../core/search-text.ts'
import type { Prepared, Reader, WriteStatement } from './database.ts'

/** Something a user found inappropriate and wants an administrator to look at. */
export interface Report {
  readonly reportId: string
  /** The same as a number. */
  readonly nr: number
  readonly kind: 'event' | 'room' | 'user'
  readonly reporter: string
  readonly roomId?: string
  readonly eventId?: string
  readonly userId?: string
  readonly reason?: string
  /** Milliseconds since 1970. */
  readonly createdTs: number
}

/** Which reports are wanted; what is not given is of no matter. */
export interface ReportFilter {
  readonly kind: Report['kind']
  /** Part of the user ID of who reported. */
  readonly reporter?: string | undefined
  /** Part of the room ID. */
  readonly roomId?: string | undefined
  /** Whom it is about, or whose event. */
  readonly userId?: string | undefined
  /** Part of that. */
  readonly userPart?: string | undefined
}

interface ReportColumns {
  report_id: string
  report_nr: number
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
  nr: row.report_nr,
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
  readonly #newestFirst: Prepared
  readonly #oldestFirst: Prepared
  readonly #count: Prepared
  readonly #one: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = `SELECT report_id, report_nr, kind, reporter, room_id, event_id, user_id, reason, created_ts FROM reports`
    const wanted = `kind = ? AND reporter LIKE ? ESCAPE '!' AND COALESCE(room_id, '') LIKE ? ESCAPE '!'
      AND (CAST(? AS integer) = 1 OR user_id = ?) AND COALESCE(user_id, '') LIKE ? ESCAPE '!'`
    const page = (direction: 'ASC' | 'DESC'): Prepared =>
      db.prepare(
        `${select} WHERE ${wanted} ORDER BY created_ts ${direction}, report_nr ${direction} LIMIT ? OFFSET ?`,
      )
    this.#newest = db.prepare(`${select} WHERE created_ts < ? ORDER BY created_ts DESC LIMIT ?`)
    this.#newestFirst = page('DESC')
    this.#oldestFirst = page('ASC')
    this.#count = db.prepare(`SELECT COUNT(*) AS n FROM reports WHERE ${wanted}`)
    this.#one = db.prepare(`${select} WHERE report_nr = ?`)
  }

  /** A page of the reports that are wanted. */
  async page(
    filter: ReportFilter,
    page: { readonly from: number; readonly limit: number; readonly isDescending: boolean },
  ): Promise<Report[]> {
    const prepared = page.isDescending ? this.#newestFirst : this.#oldestFirst
    const parameters = [...filterOf(filter), page.limit, page.from]
    return (await this.#db.scan<ReportColumns>(prepared, parameters)).map(report)
  }

  /** How many reports are wanted. */
  async count(filter: ReportFilter): Promise<number> {
    const [row] = await this.#db.scan<{ n: number }>(this.#count, filterOf(filter))
    return Number(row?.n ?? 0)
  }

  /** A report by its number. */
  async one(nr: number): Promise<Report | undefined> {
    const row = await this.#db.get<ReportColumns>(this.#one, [nr])
    return row && report(row)
  }

  /** Reports from before an instant, newest first. */
  async newest(before: number, limit: number): Promise<Report[]> {
    return (await this.#db.all<ReportColumns>(this.#newest, [before, limit])).map(report)
  }
}

const filterOf = ({ kind, reporter = '', roomId = '', userId, userPart = '' }: ReportFilter) => [
  ...[kind, containing(reporter), containing(roomId)],
  ...[userId === undefined ? 1 : 0, userId ?? '', containing(userPart)],
]

/** Builds the statements that store reports. */
export class ReportWriter {
  readonly #insert: Prepared
  readonly #remove: Prepared
  readonly #expire: Prepared
  readonly #bound: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO reports (report_id, report_nr, kind, reporter, room_id, event_id, user_id, reason, created_ts)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#remove = db.prepare('DELETE FROM reports WHERE report_nr = ?')
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
        rows: [
          [row.reportId, row.nr, row.kind, row.reporter, roomId, eventId, userId, reason, row.createdTs],
        ],
      },
      { prepared: this.#bound, rows: [[row.reporter, row.reporter, keep - 1]] },
    ]
  }
  /** Guard `no-such-report`. */
  remove(nr: number): WriteStatement {
    return { prepared: this.#remove, rows: [[nr]], guard: { name: 'no-such-report', expected: 1 } }
  }
}
