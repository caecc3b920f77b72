import { MatrixError } from '../../core/errors.ts'
import { EventTimeReader } from '../../storage/rooms/event-times.ts'
import type { AdminTasks, TaskOutcome, TaskRun } from '../admin-tasks.ts'
import type { RoomPurges } from '../rooms/room-purge.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'

/** The name of these tasks. */
export const PURGE_HISTORY = 'purge_history'

/** How far the history of a room is to go: up to an event, or to an instant (ms since 1970). */
export type PurgeEnd = { readonly eventId: string } | { readonly ts: number }

/** Has the history of rooms purged. */
export class HistoryPurge {
  readonly #context: RoomsContext
  readonly #purges: RoomPurges
  readonly #times: EventTimeReader

  constructor(context: RoomsContext, purges: RoomPurges) {
    this.#context = context
    this.#purges = purges
    this.#times = new EventTimeReader(context.db)
  }

  /**
   * Has what is before the end purged; answers the name of the task.
   *
   * @param keepsOwn messages of users of this server are only taken out of the timeline.
   * @throws {MatrixError} `M_NOT_FOUND`: no such room or event, or nothing to be purged; `M_INVALID_PARAM`: an event of another room.
   */
  async schedule(tasks: AdminTasks, roomId: string, end: PurgeEnd, keepsOwn: boolean): Promise<string> {
    const room = await this.#context.read.rooms.byId(roomId)
    if (room === undefined) throw new MatrixError('M_NOT_FOUND', 'The room was not found')
    const bound = 'ts' in end ? await this.#before(room.nid, end.ts) : await this.#upTo(roomId, end.eventId)
    return tasks.schedule(PURGE_HISTORY, roomId, { ...bound, keeps_own: keepsOwn })
  }

  /** The task. */
  readonly perform = async ({ task, signal }: TaskRun): Promise<TaskOutcome> => {
    const { clock, read } = this.#context
    const room = await read.rooms.byId(task.resourceId)
    if (room === undefined) return { result: undefined, error: 'The room is not known any more' }
    const { before, position, keeps_own: keepsOwn } = task.params
    const bound = {
      before: Number(before),
      ...(position === undefined ? {} : { position: Number(position) }),
    }
    const { events, bytes } = await this.#purges.purge(
      room,
      { ...bound, keepsOwn: keepsOwn === true },
      signal,
    )
    const total = { events: events + Number(task.result?.['events'] ?? 0), bytes }
    return signal.aborted ? { result: total, laterTs: clock.now() } : { result: total }
  }

  async #before(roomNid: number, ts: number): Promise<{ before: number }> {
    const place = { timestamp: ts - 1, position: Number.MAX_SAFE_INTEGER }
    const [earlier] = await this.#times.nearest(roomNid, 'b', place, 1)
    if (earlier === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no event to be purged')
    return { before: ts }
  }

  async #upTo(roomId: string, eventId: string): Promise<{ before: number; position: number }> {
    const stored = await this.#context.read.events.byId(eventId)
    if (stored?.position === undefined) throw new MatrixError('M_NOT_FOUND', 'The event was not found')
    if (stored.event.roomId !== roomId)
      throw new MatrixError('M_INVALID_PARAM', 'The event is of another room')
    return { before: stored.event.originServerTs, position: stored.position }
  }
}
