import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { type Report, type ReportFilter, ReportReader, ReportWriter } from '../../storage/reports.ts'
import type { RoomsContext } from '../rooms/rooms-context.ts'

/** A report of an event, with what is known of the room. */
export interface ReviewedEvent {
  readonly report: Report
  readonly sender: string | undefined
  readonly roomName: string | undefined
  readonly canonicalAlias: string | undefined
}

interface Page {
  readonly from: number
  readonly limit: number
  readonly isDescending: boolean
}

/** What users have reported, for administrators to look at and to put away. */
export class ReportReview {
  readonly #context: RoomsContext
  readonly #read: ReportReader
  readonly #write: ReportWriter

  constructor(context: RoomsContext) {
    this.#context = context
    this.#read = new ReportReader(context.db)
    this.#write = new ReportWriter(context.db)
  }

  /** A page of reports of one kind, and how many there are. */
  async list(filter: ReportFilter, page: Page): Promise<{ reports: Report[]; total: number }> {
    const [reports, total] = await Promise.all([this.#read.page(filter, page), this.#read.count(filter)])
    return { reports, total }
  }

  /** The same reports of events with what is known of their rooms. */
  async withRooms(reports: readonly Report[]): Promise<ReviewedEvent[]> {
    const { read } = this.#context
    return Promise.all(
      reports.map(async report => {
        const room = report.roomId === undefined ? undefined : await read.rooms.byId(report.roomId)
        const row = room && (await read.summaries.ofRoom(room.nid))
        return {
          report,
          sender: report.userId,
          roomName: row?.summary.name,
          canonicalAlias: row?.summary.canonical_alias,
        }
      }),
    )
  }

  /** A report by its number. Throws `M_NOT_FOUND`, also for those of another kind. */
  async one(kind: Report['kind'], nr: number): Promise<Report> {
    const report = await this.#read.one(nr)
    if (report?.kind !== kind) throw notFound()
    return report
  }

  /** A reported event as it is stored; empty where it is not here any more. */
  async eventOf({ eventId }: Report): Promise<JsonObject> {
    const stored = eventId === undefined ? undefined : await this.#context.read.events.byId(eventId)
    return stored?.event.pdu ?? {}
  }

  /** Throws `M_NOT_FOUND`. */
  async delete(kind: Report['kind'], nr: number): Promise<void> {
    await this.one(kind, nr)
    const result = await this.#context.db.commit({ statements: [this.#write.remove(nr)] })
    if (!result.ok) throw notFound()
  }
}

const notFound = (): MatrixError => new MatrixError('M_NOT_FOUND', 'There is no such report')
