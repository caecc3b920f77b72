import type { Clock } from '../core/clock.ts'
import { MatrixError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { ConstraintError, type Database } from '../storage/database.ts'
import { ReportWriter, type Report as StoredReport } from '../storage/reports.ts'
import type { Accounts } from './accounts/index.ts'
import type { Requester } from './requester.ts'
import type { RoomServices } from './rooms/index.ts'
import type { RoomsContext } from './rooms/room-writer.ts'

/** Reports are kept for a year, and the newest thousand of each user. */
const KEPT_MS = 365 * 86_400_000
const KEPT_PER_USER = 1_000

/** Tools want reports to have numbers: the instant (ms) times this, and something on top. */
const NUMBERS_PER_MS = 1024
const MAX_ATTEMPTS = 10

/** Takes what users report to the administrators (module "Reporting Content"): stored, and logged as a warning. */
export class Reports {
  readonly #db: Database
  readonly #clock: Clock
  readonly #log: Log
  readonly #context: RoomsContext
  readonly #rooms: RoomServices
  readonly #accounts: Accounts
  readonly #write: ReportWriter

  constructor(parts: {
    context: RoomsContext
    rooms: RoomServices
    accounts: Accounts
    clock: Clock
    log: Log
  }) {
    this.#db = parts.context.db
    this.#clock = parts.clock
    this.#log = parts.log
    this.#context = parts.context
    this.#rooms = parts.rooms
    this.#accounts = parts.accounts
    this.#write = new ReportWriter(parts.context.db)
  }

  /** "Servers MUST verify that the reporting user is currently joined to the room." Else throws `M_NOT_FOUND`. */
  async event(requester: Requester, roomId: string, eventId: string, reason?: string): Promise<void> {
    const stored = await this.#rooms.roomReading.visibleEvent(requester, roomId, eventId)
    const row = await this.#context.read.memberships.one(requester.userId, stored.roomNid)
    if (row?.membership !== 'join') throw new MatrixError('M_NOT_FOUND', 'You are not in this room')
    await this.#store(requester, { kind: 'event', roomId, eventId, userId: stored.event.sender }, reason)
  }

  /** Anybody may report any room that this server knows or that they are invited to. Throws `M_NOT_FOUND`. */
  async room(requester: Requester, roomId: string, reason: string): Promise<void> {
    const { rooms, invitations } = this.#context.read
    const known =
      (await rooms.byId(roomId)) !== undefined ||
      (await invitations.one(requester.userId, roomId)) !== undefined
    if (!known) throw new MatrixError('M_NOT_FOUND', 'The room was not found')
    await this.#store(requester, { kind: 'room', roomId }, reason)
  }

  /** Anybody may report any user. Throws `M_NOT_FOUND` for users of this server that there are not. */
  async user(requester: Requester, userId: string, reason: string): Promise<void> {
    if (this.#accounts.isLocalUser(userId) && !(await this.#accounts.exists(userId))) {
      throw new MatrixError('M_NOT_FOUND', 'The user was not found')
    }
    await this.#store(requester, { kind: 'user', userId }, reason)
  }

  async #store(
    { userId: reporter }: Requester,
    subject: Pick<StoredReport, 'kind' | 'roomId' | 'eventId' | 'userId'>,
    reason: string | undefined,
  ): Promise<void> {
    const createdTs = this.#clock.now()
    const reportId = Buffer.from(this.#context.random(12)).toString('base64url')
    const row = { ...subject, reportId, reporter, createdTs, ...(reason ? { reason } : {}) }
    await this.#insert(row)
    this.#log.warn({ report: reportId, reporter, ...subject }, 'content was reported')
  }

  /** Finds the report a number that no other has. */
  async #insert(row: Omit<StoredReport, 'nr'>): Promise<void> {
    const limits = { expired: row.createdTs - KEPT_MS, keep: KEPT_PER_USER }
    const first = Buffer.from(this.#context.random(2)).readUInt16BE()
    for (let attempt = 0; ; attempt++) {
      const nr = row.createdTs * NUMBERS_PER_MS + ((first + attempt) % NUMBERS_PER_MS)
      try {
        await this.#db.commit({ statements: this.#write.insert({ ...row, nr }, limits) })
        return
      } catch (error) {
        if (!(error instanceof ConstraintError) || attempt === MAX_ATTEMPTS) throw error
      }
    }
  }
}
