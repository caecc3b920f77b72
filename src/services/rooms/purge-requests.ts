import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { HeldRow } from '../../storage/due-rows.ts'
import {
  type PurgeOutcome,
  type PurgeRequest,
  PurgeRequestReader,
  PurgeRequestWriter,
  ROOM_PURGES,
} from '../../storage/rooms/purge-requests.ts'
import { DueWork } from '../due-work.ts'
import type { Memberships } from './memberships.ts'
import { PurgeScope } from './purge-scope.ts'
import type { RoomLifetime } from './room-lifetime.ts'
import type { RoomPurges } from './room-purge.ts'
import { RoomContended, type RoomsContext, type RoomWriter } from './room-writer.ts'

/** So long other servers have time to hear that our users have left a room, before it goes. Milliseconds. */
const FAREWELL_MS = 5 * 60_000

/** What may be left when a room goes altogether, in the member events of those who are made to leave. */
const REASON = 'This server no longer keeps the room'

/**
 * Does what operators ask for on the command line: purges the history of rooms, and whole rooms. It is done here and not by
 * the command, since what is kept in memory has to follow. Replacements that nobody has finished go the same way
 * (`UnfinishedReplacements`).
 */
export class PurgeRequests {
  readonly #context: RoomsContext
  readonly #writer: RoomWriter
  readonly #purges: RoomPurges
  readonly #lifetime: RoomLifetime
  readonly #memberships: Pick<Memberships, 'leave' | 'forget'>
  readonly #clock: Clock
  readonly #log: Log
  readonly #read: PurgeRequestReader
  readonly #write: PurgeRequestWriter
  readonly #scope: PurgeScope
  readonly #due: DueWork
  readonly #closing = new AbortController()

  constructor(parts: {
    writer: RoomWriter
    purges: RoomPurges
    lifetime: RoomLifetime
    memberships: Pick<Memberships, 'leave' | 'forget'>
    clock: Clock
    log: Log
  }) {
    const { writer, clock, log } = parts
    const { db: database } = writer.context
    this.#context = writer.context
    this.#writer = writer
    this.#purges = parts.purges
    this.#lifetime = parts.lifetime
    this.#memberships = parts.memberships
    this.#clock = clock
    this.#log = log
    this.#read = new PurgeRequestReader(database)
    this.#write = new PurgeRequestWriter(database)
    this.#scope = new PurgeScope(database, clock)
    this.#due = new DueWork({
      ...{ database, clock, log, table: ROOM_PURGES },
      perform: row => this.#perform(row),
    })
  }

  start(): void {
    this.#due.start()
  }

  /** Says that something is asked for which is due at an instant (ms). */
  expect(dueTs: number): void {
    this.#due.expect(dueTs)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#due.close()
  }

  async #perform(row: HeldRow): Promise<void> {
    const request = await this.#read.request(row.key)
    if (request === undefined) return
    const outcome = await this.#outcome(request)
    if (this.#closing.signal.aborted) return
    const now = this.#clock.now()
    const statement =
      outcome === 'later' ? this.#write.postpone(row, now + FAREWELL_MS) : this.#write.done(row, outcome, now)
    // Purging takes as long as it takes, and does no harm done twice: whether the row is still held is not asked.
    await this.#context.db.commit({ statements: [statement] })
    if (outcome === 'later') this.#due.expect(now + FAREWELL_MS)
    else this.#log.info({ room: request.roomId, ...outcome }, 'a room was purged, as was asked for')
  }

  async #outcome(request: PurgeRequest): Promise<PurgeOutcome | 'later'> {
    const room = await this.#context.read.rooms.byId(request.roomId)
    if (room === undefined) return refused('the room is not known here')
    if (request.before === undefined) return this.#remove(request)
    const { files } = await this.#scope.estimate(room.nid, request.before)
    const purged = await this.#purges.purge(room, { before: request.before }, this.#closing.signal)
    return { ...purged, files, refusal: undefined }
  }

  /** Takes away a whole room, once nobody of this server is in it. */
  async #remove({ roomId, isForced }: PurgeRequest): Promise<PurgeOutcome | 'later'> {
    const { serverName } = this.#context
    const head = await this.#writer.head(roomId)
    const present = [...(head?.memberships ?? [])].filter(
      ([userId, membership]) =>
        userId.endsWith(`:${serverName}`) && ['join', 'invite', 'knock'].includes(membership),
    )
    if (present.length > 0 && !isForced) return refused('users of this server are in it')
    let left = 0
    for (const [userId] of present) left += Number(await this.#takeOut(userId, roomId))
    const others = head?.joinedHosts().filter(host => host !== serverName) ?? []
    if (left > 0 && others.length > 0) return 'later'
    const removed = await this.#lifetime.removeNow(roomId)
    return removed === undefined ? refused('the room is not known here') : { ...removed, refusal: undefined }
  }

  /** Answers whether they are out; whoever may not leave, as by the word of the room's policy server, does not keep it. */
  async #takeOut(userId: string, roomId: string): Promise<boolean> {
    try {
      await this.#memberships.leave({ userId, roomId, reason: REASON })
      await this.#memberships.forget(userId, roomId)
      return true
    } catch (error) {
      if (!(error instanceof MatrixError) || error instanceof RoomContended) throw error
      this.#log.warn(
        { room: roomId, user: userId, err: error },
        'a user could not be made to leave a room that goes',
      )
      return false
    }
  }
}

const refused = (refusal: string): PurgeOutcome => ({ events: 0, bytes: 0, files: 0, refusal })
