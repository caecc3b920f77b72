import { MatrixError } from '../../core/errors.ts'
import { isRoomId, serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { AdminTask, TaskStatus } from '../../storage/admin-tasks.ts'
import { OutboxReader } from '../../storage/federation/outbox-reader.ts'
import type { AdminTasks, TaskOutcome, TaskRun } from '../admin-tasks.ts'
import type { BlockedRooms } from '../rooms/blocked-rooms.ts'
import type { RoomCore } from '../rooms/index.ts'
import { othersIn } from '../rooms/membership-content.ts'
import type { RoomHead } from '../rooms/room-head.ts'
import type { RoomLifetime } from '../rooms/room-lifetime.ts'
import { nothingDone, type RoomShutdown, type ShutdownOrder, type ShutdownResult } from './room-shutdown.ts'

/** The name of these tasks. */
export const DELETE_ROOM = 'shutdown_and_purge_room'

/** So long other servers have time to hear that our users have left a room, before it goes. Milliseconds. */
const FAREWELL_MS = 5 * 60_000
/** So often it is looked whether they have. */
const LOOK_AGAIN_MS = 2_000

/** What is to become of a room. */
export interface DeletionOrder extends ShutdownOrder {
  /** Nobody gets into it any more. */
  readonly block: boolean
  /** All of it goes. */
  readonly purge: boolean
  /** Even if somebody of this server could not be taken out. */
  readonly forcePurge: boolean
}

/** How far the deletion of a room is. */
export interface DeletionStatus {
  readonly deleteId: string
  readonly roomId: string
  readonly status: TaskStatus
  readonly shutdown: ShutdownResult
  readonly error: string | undefined
}

/**
 * Deletes rooms from this server: takes its users out, and then removes all there is of the room. Done in the background; what another
 * server has not heard yet of users who are out, or invited no more, is waited for, since afterwards nothing is left to be sent.
 */
export class RoomDeletion {
  readonly #core: RoomCore
  readonly #blocked: BlockedRooms
  readonly #shutdown: RoomShutdown
  readonly #lifetime: Pick<RoomLifetime, 'removeNow'>
  readonly #outbox: OutboxReader

  constructor(parts: {
    core: RoomCore
    blocked: BlockedRooms
    shutdown: RoomShutdown
    lifetime: Pick<RoomLifetime, 'removeNow'>
  }) {
    this.#core = parts.core
    this.#blocked = parts.blocked
    this.#shutdown = parts.shutdown
    this.#lifetime = parts.lifetime
    this.#outbox = new OutboxReader(parts.core.context.db)
  }

  /** Has a room deleted; answers the name of the task. Throws as `check`. */
  async schedule(tasks: AdminTasks, by: string, roomId: string, order: DeletionOrder): Promise<string> {
    await this.#begin(tasks, by, roomId, order)
    return tasks.schedule(DELETE_ROOM, roomId, paramsOf(order))
  }

  /**
   * Begins at once; answers when the users are out. What is left to be done then goes on in the background. Throws as `check`,
   * and `M_UNKNOWN` (400) where it fails.
   */
  async run(tasks: AdminTasks, by: string, roomId: string, order: DeletionOrder): Promise<ShutdownResult> {
    await this.#begin(tasks, by, roomId, order)
    const task = await tasks.run(DELETE_ROOM, roomId, paramsOf(order))
    if (task?.error !== undefined) throw new MatrixError('M_UNKNOWN', task.error, { status: 400 })
    return shutdownOf(task?.result)
  }

  /** How far it is. */
  status({ taskId, resourceId, status, result, error }: AdminTask): DeletionStatus {
    return { deleteId: taskId, roomId: resourceId, status, shutdown: shutdownOf(result), error }
  }

  /** Throws `M_INVALID_PARAM`, and `M_UNKNOWN` (400) for a room that is being deleted already. */
  async #begin(tasks: AdminTasks, by: string, roomId: string, order: DeletionOrder): Promise<void> {
    if (!isRoomId(roomId)) throw new MatrixError('M_INVALID_PARAM', `${roomId} is no room ID`)
    if ((await tasks.open(roomId, DELETE_ROOM)) !== undefined)
      throw new MatrixError('M_UNKNOWN', `${roomId} is being deleted already`, { status: 400 })
    if (order.block) await this.#blocked.block(roomId, by)
  }

  /** The task. */
  readonly perform = async ({ task, signal, report }: TaskRun): Promise<TaskOutcome> => {
    const roomId = task.resourceId
    const order = orderOf(task.params)
    const { clock, serverName, read } = this.#core.context
    const room = await read.rooms.byId(roomId)
    if (room === undefined) return { result: task.result ?? nothingDone }
    const before = shutdownOf(task.result)
    const outTs = task.result?.['out_ts']
    const run = { taskId: task.taskId, before, signal }
    const shutdown =
      outTs === undefined ? await this.#shutdown.run(roomId, order, { ...run, report }) : before
    if (signal.aborted) return { result: { ...task.result, ...shutdown }, laterTs: clock.now() }
    // When the users were out.
    const sinceTs = Number(outTs ?? clock.now())
    const result = { ...shutdown, out_ts: sinceTs }
    if (!order.purge) return { result }
    const head = await this.#core.writer.head(roomId)
    if (head?.hasHost(serverName) === true && !order.forcePurge)
      return { result, error: 'Users of this server are still in the room' }
    const isOver = clock.now() - sinceTs >= FAREWELL_MS
    if (head !== undefined && shutdown.kicked_users.length > 0 && !isOver) {
      if (!(await this.#outbox.isDelivered(room.nid, await this.#lastForOthers(head))))
        return { result, laterTs: clock.now() + LOOK_AGAIN_MS }
    }
    await this.#lifetime.removeNow(roomId)
    return { result }
  }

  /** The position of the last event that other servers are to get. Where none is in the room they hear of those alone who were put out. */
  async #lastForOthers(head: RoomHead): Promise<number> {
    const { db, read, serverName } = this.#core.context
    if (othersIn(head, serverName).length > 0)
      return (await read.events.newestAt(head.room.nid, db.position('events')))?.position ?? 0
    const isOwn = (userId: string): boolean => serverNameOf(userId) === serverName
    const out = [...head.memberships.keys()].filter(userId => !isOwn(userId))
    const nids = out.flatMap(userId => head.entry('m.room.member', userId)?.nid ?? [])
    return (await read.events.byNids(nids))
      .filter(({ event }) => isOwn(event.sender))
      .reduce((last, { position = 0 }) => Math.max(last, position), 0)
  }
}

const paramsOf = (order: DeletionOrder): JsonObject => ({
  new_room_user_id: order.newRoomUserId ?? null,
  new_room_name: order.roomName ?? null,
  message: order.message ?? null,
  block: order.block,
  purge: order.purge,
  force_purge: order.forcePurge,
})

const orderOf = (params: JsonObject): DeletionOrder => {
  const text = (name: string): string | undefined => {
    const value = params[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    newRoomUserId: text('new_room_user_id'),
    roomName: text('new_room_name'),
    message: text('message'),
    block: params['block'] === true,
    purge: params['purge'] === true,
    forcePurge: params['force_purge'] === true,
  }
}

const shutdownOf = (result: JsonObject | undefined): ShutdownResult => {
  const texts = (name: string): string[] => {
    const value = result?.[name]
    return Array.isArray(value) ? value.filter(each => typeof each === 'string') : []
  }
  const newRoomId = result?.['new_room_id']
  return {
    kicked_users: texts('kicked_users'),
    failed_to_kick_users: texts('failed_to_kick_users'),
    local_aliases: texts('local_aliases'),
    new_room_id: typeof newRoomId === 'string' ? newRoomId : null,
  }
}
