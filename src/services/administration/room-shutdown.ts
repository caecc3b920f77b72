import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import { WITHDRAWN } from '../../core/invitation-terms.ts'
import type { JsonObject } from '../../core/json.ts'
import type { RoomCore, RoomServices } from '../rooms/index.ts'
import { othersIn } from '../rooms/membership-content.ts'
import type { OwnChange } from '../rooms/memberships.ts'
import { mostPowerful } from './room-authority.ts'

/** How a room is to be shut down. */
export interface ShutdownOrder {
  /** A user of this server who makes the room that people come into instead. */
  readonly newRoomUserId: string | undefined
  readonly roomName: string | undefined
  /** What they are told there. */
  readonly message: string | undefined
}

/** What was done, under the names of the admin API. */
export interface ShutdownResult {
  readonly [name: string]: string[] | string | null
  readonly kicked_users: string[]
  readonly failed_to_kick_users: string[]
  readonly local_aliases: string[]
  readonly new_room_id: string | null
}

const DEFAULT_NAME = 'A room was closed'
const DEFAULT_MESSAGE = 'An administrator of this server has closed the room that you were in.'

/** Users who leave between two notes of how far it is. */
const NOTED_EVERY = 50

/** Nobody but its maker writes in the new room. */
const SILENT_LEVEL = -10

export const nothingDone: ShutdownResult = {
  kicked_users: [],
  failed_to_kick_users: [],
  local_aliases: [],
  new_room_id: null,
}

/** Takes all users of this server out of a room, if wanted into another, to which the aliases then lead. */
export class RoomShutdown {
  readonly #core: RoomCore
  readonly #rooms: Pick<RoomServices, 'memberships' | 'roomCreation' | 'roomSettings'>

  constructor(core: RoomCore, rooms: Pick<RoomServices, 'memberships' | 'roomCreation' | 'roomSettings'>) {
    this.#core = core
    this.#rooms = rooms
  }

  /**
   * @param run.taskId names it, so that what is said in the new room is said once.
   * @param run.before what was done by an earlier run that was interrupted.
   * @param run.signal between two users it ends, where this is aborted.
   */
  async run(
    roomId: string,
    order: ShutdownOrder,
    run: {
      readonly taskId: string
      readonly before: ShutdownResult
      readonly signal: AbortSignal
      readonly report: (result: ShutdownResult) => Promise<void>
    },
  ): Promise<ShutdownResult> {
    const newRoomId = run.before.new_room_id ?? (await this.#newRoom(order))
    const result = { ...run.before, new_room_id: newRoomId }
    if (newRoomId !== null) await run.report(result)
    await this.#withdraw(roomId, run.signal)
    for (const [userId, membership] of await this.#present(roomId)) {
      if (run.signal.aborted) return result
      const isIn = membership === 'join'
      // Nobody has declined anything: their inviter is told so neither.
      const content = membership === 'invite' ? WITHDRAWN : {}
      const isOut = await this.#takeOut({ userId, roomId, content }, isIn ? newRoomId : null)
      const list = isOut ? result.kicked_users : result.failed_to_kick_users
      if (!list.includes(userId)) list.push(userId)
      if (list.length % NOTED_EVERY === 0) await run.report(result)
    }
    if (newRoomId === null || order.newRoomUserId === undefined) return result
    await this.#tell(newRoomId, { ...order, userId: order.newRoomUserId, taskId: run.taskId })
    const moved = await this.#moveAliases(roomId, newRoomId)
    return { ...result, local_aliases: [...new Set([...result.local_aliases, ...moved])] }
  }

  /**
   * Takes back the invitations of users of other servers to a room in which nobody of another server is: nobody could let them in any more.
   * What cannot be taken back is no reason to stop.
   */
  async #withdraw(roomId: string, signal: AbortSignal): Promise<void> {
    const { context, writer } = this.#core
    const head = await writer.head(roomId)
    if (head === undefined || othersIn(head, context.serverName).length > 0) return
    const invited = [...head.memberships].filter(
      ([userId, membership]) => membership === 'invite' && serverNameOf(userId) !== context.serverName,
    )
    const { sender } = invited.length > 0 ? await mostPowerful(context, head) : {}
    if (sender === undefined) return
    for (const [userId] of invited) {
      if (signal.aborted) return
      await this.#attempt(userId, roomId, () =>
        this.#rooms.memberships.kick({ sender, userId, roomId }, 'invite'),
      )
    }
  }

  /**
   * Users of this server who are in a room, invited or knocking. Those who are in it come last: while somebody is, the others leave by
   * events of the room, and can forget it.
   */
  async #present(roomId: string): Promise<[userId: string, membership: string][]> {
    const { serverName } = this.#core.context
    const head = await this.#core.writer.head(roomId)
    const present = [...(head?.memberships ?? [])].filter(
      ([userId, membership]) =>
        serverNameOf(userId) === serverName && ['join', 'invite', 'knock'].includes(membership),
    )
    const isIn = ([, membership]: (typeof present)[number]): number => (membership === 'join' ? 1 : 0)
    return present.toSorted((one, other) => isIn(one) - isIn(other))
  }

  async #newRoom({ newRoomUserId, roomName = DEFAULT_NAME }: ShutdownOrder): Promise<string | null> {
    if (newRoomUserId === undefined) return null
    const { roomCreation, roomSettings } = this.#rooms
    return roomCreation.make({
      creator: newRoomUserId,
      version: roomSettings.defaultVersion,
      isPublic: false,
      preset: 'public_chat',
      name: roomName,
      invite: [],
      creationContent: {},
      initialState: [],
      powerLevelOverride: { users_default: SILENT_LEVEL },
    })
  }

  /**
   * Answers whether they are where they should be. They come into the new room first: who is out of the old one is not found again
   * by a run that goes on after an interruption.
   */
  async #takeOut(leave: OwnChange, newRoomId: string | null): Promise<boolean> {
    const { memberships } = this.#rooms
    const { userId, roomId } = leave
    const isIn =
      newRoomId === null || (await this.#attempt(userId, newRoomId, change => memberships.join(change)))
    const isOut = await this.#attempt(userId, roomId, async () => {
      await memberships.leave(leave)
      await memberships.forget(userId, roomId)
    })
    return isIn && isOut
  }

  async #attempt(
    userId: string,
    roomId: string,
    move: (change: OwnChange) => Promise<void>,
  ): Promise<boolean> {
    try {
      await move({ userId, roomId })
      return true
    } catch (error) {
      const { log } = this.#core.context
      log.warn({ room: roomId, user: userId, err: error }, 'a user could not be moved out of a room')
      return false
    }
  }

  async #tell(
    roomId: string,
    order: { readonly userId: string; readonly message: string | undefined; readonly taskId: string },
  ): Promise<void> {
    const { userId, message: body = DEFAULT_MESSAGE, taskId: txnId } = order
    const content: JsonObject = { msgtype: 'm.text', body }
    const transaction = { userId, deviceId: '', scope: 'room shutdown', txnId }
    await this.#core.sender.send(roomId, { type: 'm.room.message', sender: userId, content }, { transaction })
  }

  async #moveAliases(roomId: string, newRoomId: string): Promise<string[]> {
    const { read, write, db } = this.#core.context
    const rows = await read.aliases.ofRoom(roomId)
    if (rows.length > 0) await db.commit({ statements: [write.aliases.move(rows, newRoomId)] })
    return rows.map(({ alias }) => alias)
  }
}

/** Throws `M_INVALID_PARAM` unless who is to make a new room is of this server. */
export const checkNewRoomUser = (userId: string | undefined, serverName: string): void => {
  if (userId === undefined || serverNameOf(userId) === serverName) return
  throw new MatrixError('M_INVALID_PARAM', `${userId} is no user of this server`)
}
