import { MatrixError } from '../../core/errors.ts'
import { isUserId, serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { EventsOfSender } from '../../storage/rooms/events-of-sender.ts'
import type { StoredEvent } from '../../storage/rooms/stored-event.ts'
import type { AdminTasks, TaskOutcome, TaskRun } from '../admin-tasks.ts'
import type { Requester } from '../requester.ts'
import type { RoomServices } from '../rooms/index.ts'
import { membershipOf } from '../rooms/room-head.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'

/** The name of these tasks. */
export const REDACT_USER = 'redact_user'

/** What is redacted of a user: what they said, and by what name they came. */
const TYPES = ['m.room.message', 'm.room.encrypted', 'm.room.member']

/** Events of each room, where nothing else is asked for. */
const USUAL_LIMIT = 1_000
const MAX_LIMIT = 100_000

/** So many redactions, then a pause: other servers have to take them, too. */
const BATCH = 25
const PAUSE_MS = 1_000

/** Failures that are told by event. */
const MAX_FAILURES = 1_000

/** What is to be redacted of a user. Instants are milliseconds since 1970. */
export interface WantedRedaction {
  /** None: all that the user is in, or was banned from. */
  readonly rooms: readonly string[]
  readonly reason: string | undefined
  /** The newest so many of each room. */
  readonly limit: number | undefined
  /** The administrator redacts, also where the user could. */
  readonly byAdministrator: boolean
  readonly afterTs: number | undefined
  readonly beforeTs: number | undefined
}

/** How far a task is: in which of its rooms, before which position there, after how many events. */
interface Progress {
  readonly room: number
  readonly before: number | undefined
  readonly done: number
  readonly failed: Readonly<Record<string, string>>
}

const BEGINNING: Progress = { room: 0, before: undefined, done: 0, failed: {} }

/** Has what a user has sent redacted: by the user where they are of this server and in the room, else by the administrator. */
export class UserRedaction {
  readonly #context: RoomsContext
  readonly #sending: RoomServices['sending']
  readonly #events: EventsOfSender

  constructor(context: RoomsContext, { sending }: Pick<RoomServices, 'sending'>) {
    this.#context = context
    this.#sending = sending
    this.#events = new EventsOfSender(context.db)
  }

  /**
   * Has it done; answers the name of the task.
   * @throws {MatrixError} `M_INVALID_PARAM`: no user ID, no such limit; `M_UNKNOWN` (400): it is being done already
   */
  async schedule(
    tasks: AdminTasks,
    administrator: string,
    userId: string,
    wanted: WantedRedaction,
  ): Promise<string> {
    if (!isUserId(userId)) throw new MatrixError('M_INVALID_PARAM', 'This is no user ID')
    const { limit = USUAL_LIMIT, reason, afterTs, beforeTs } = wanted
    if (limit < 1 || limit > MAX_LIMIT)
      throw new MatrixError('M_INVALID_PARAM', `The limit is from 1 to ${MAX_LIMIT}`)
    if ((await tasks.open(userId, REDACT_USER)) !== undefined)
      throw new MatrixError('M_UNKNOWN', 'This user’s events are being redacted already', { status: 400 })
    const rooms = wanted.rooms.length > 0 ? wanted.rooms : await this.#roomsOf(userId)
    return tasks.schedule(REDACT_USER, userId, {
      ...{ administrator, rooms: [...rooms], limit, by_administrator: wanted.byAdministrator },
      ...(reason === undefined ? {} : { reason }),
      ...(afterTs === undefined ? {} : { after_ts: afterTs }),
      ...(beforeTs === undefined ? {} : { before_ts: beforeTs }),
    })
  }

  /** The task. */
  readonly perform = async ({ task, signal, report }: TaskRun): Promise<TaskOutcome> => {
    const rooms = task.params['rooms'] as string[]
    let reached = (task.result?.['progress'] as Progress | undefined) ?? BEGINNING
    while (reached.room < rooms.length) {
      reached = await this.#batch(task.resourceId, task.params, reached)
      const result = { progress: reached as unknown as JsonObject }
      if (signal.aborted) return { result, laterTs: this.#context.clock.now() }
      await report(result)
      // A room that is over needs no pause.
      if (reached.before !== undefined)
        await this.#context.clock.sleep(PAUSE_MS, signal).catch(() => undefined)
    }
    return { result: { progress: reached as unknown as JsonObject } }
  }

  /** What could not be redacted, and why, as far as a task has come. */
  static failuresOf(result: JsonObject | undefined): Readonly<Record<string, string>> {
    return (result?.['progress'] as Progress | undefined)?.failed ?? {}
  }

  async #roomsOf(userId: string): Promise<string[]> {
    const rows = await this.#context.read.memberships.ofUser(userId, ['join', 'ban'])
    return rows.map(({ roomId }) => roomId)
  }

  /** Redacts the next few events of a room, or goes on to the next room. */
  async #batch(userId: string, params: JsonObject, reached: Progress): Promise<Progress> {
    const { read } = this.#context
    const roomId = (params['rooms'] as string[])[reached.room] ?? ''
    const next: Progress = { room: reached.room + 1, before: undefined, done: 0, failed: reached.failed }
    const room = await read.rooms.byId(roomId)
    const left = Number(params['limit']) - reached.done
    if (room === undefined || left <= 0) return next
    const page = await this.#events.page({
      ...{ roomNid: room.nid, sender: userId, types: TYPES, limit: Math.min(BATCH, left) },
      fromTs: Number(params['after_ts'] ?? 0),
      toTs: Number(params['before_ts'] ?? Number.MAX_SAFE_INTEGER),
      before: reached.before ?? Number.MAX_SAFE_INTEGER,
    })
    const last = page.at(-1)
    if (last === undefined) return next
    const failed = { ...reached.failed }
    for (const stored of await read.events.byNids(page.map(({ nid }) => nid))) {
      if (stored.event.type === 'm.room.member' && membershipOf(stored.event) !== 'join') continue
      const failure = await this.#redact(stored, params)
      if (failure !== undefined && Object.keys(failed).length < MAX_FAILURES)
        failed[stored.event.eventId] = failure
    }
    if (page.length < BATCH) return { ...next, failed }
    return { room: reached.room, before: last.position, done: reached.done + page.length, failed }
  }

  /** Answers why an event could not be redacted. */
  async #redact({ roomNid, event }: StoredEvent, params: JsonObject): Promise<string | undefined> {
    const { read, serverName } = this.#context
    const isOurs = serverNameOf(event.sender) === serverName
    const own = isOurs && params['by_administrator'] !== true
    const isInRoom = own && (await read.memberships.one(event.sender, roomNid))?.membership === 'join'
    const administrator = String(params['administrator'])
    const requester = isInRoom ? actingAs(event.sender, false) : actingAs(administrator, true)
    const reason = params['reason'] === undefined ? undefined : String(params['reason'])
    try {
      await this.#sending.redaction(requester, {
        ...{ roomId: event.roomId, redacts: event.eventId, txnId: event.eventId, reason },
      })
      return undefined
    } catch (error) {
      if (error instanceof MatrixError && error.status < 500) return error.message
      throw error
    }
  }
}

/** For whom the server acts without a request of theirs: under transactions of its own. */
const actingAs = (userId: string, isAdmin: boolean): Requester => ({
  ...{ userId, deviceId: undefined, tokenId: REDACT_USER, isGuest: false, isAdmin },
})
