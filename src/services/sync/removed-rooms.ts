import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { RemovedMembership } from '../../storage/rooms/removed-memberships.ts'
import type { Answer } from '../answer.ts'
import type { Follower } from './notifier.ts'
import type { RoomWatch } from './room-watch.ts'

/** A room that was taken away from a user: removed from this server with all its events. */
export interface RemovedRoom {
  readonly roomId: string
  readonly membership: 'leave' | 'ban'
  /** The user was in it almost until its removal. */
  readonly wasIn: boolean
  /** Where that stands among the events of rooms. */
  readonly eventPosition: number
  /** The member event by which they are out of it, as clients are shown it. */
  readonly event: {
    readonly type: 'm.room.member'
    readonly sender: string
    readonly state_key: string
    readonly content: { readonly membership: 'leave' | 'ban' }
    readonly event_id: string
    readonly origin_server_ts: number
  }
}

/**
 * The rooms that were removed after one position of the stream `invites` up to another, and of which a client that had followed the
 * stream `events` to `since` may still think that its user is in them: no event tells any more that they are not. Without those
 * that are there again for the user.
 */
export const removedRooms = async (
  read: Pick<RoomReaders, 'removed' | 'rooms' | 'memberships' | 'invitations'>,
  userId: string,
  span: { readonly after: number; readonly upTo: number; readonly since: number },
): Promise<RemovedRoom[]> => {
  const rooms: RemovedRoom[] = []
  for (const removed of await read.removed.ofUser(userId, span.after, span.upTo)) {
    if (removed.toldBefore <= span.since || (await isBack(read, userId, removed.roomId))) continue
    rooms.push(removedRoom(userId, removed))
  }
  return rooms
}

/** Whether the room's own events, or an invitation, say what the user is in it. */
const isBack = async (
  { rooms, memberships, invitations }: Pick<RoomReaders, 'rooms' | 'memberships' | 'invitations'>,
  userId: string,
  roomId: string,
): Promise<boolean> => {
  const room = await rooms.byId(roomId)
  if (room !== undefined && (await memberships.one(userId, room.nid)) !== undefined) return true
  return (await invitations.one(userId, roomId))?.status === 'invited'
}

const removedRoom = (userId: string, removed: RemovedMembership): RemovedRoom => {
  const { roomId, membership, sender, eventPosition } = removed
  return {
    ...{ roomId, membership, eventPosition, wasIn: removed.toldBefore === Number.POSITIVE_INFINITY },
    event: {
      ...{ type: 'm.room.member', sender, state_key: userId, content: { membership } },
      ...{ event_id: removed.eventId, origin_server_ts: removed.ts },
    },
  }
}

/**
 * Has nobody taken to be in a room that was removed: no event tells any more that they are out, where there was one, to a process that
 * comes to it only then.
 */
export class RemovedRoomsFollower implements Follower {
  readonly stream = 'invites'
  readonly #read: Pick<RoomReaders, 'removed'>
  readonly #watch: Pick<RoomWatch, 'forgetRemoved'>
  #followed: number

  /** @param followed where the stream stands */
  constructor(read: Pick<RoomReaders, 'removed'>, watch: Pick<RoomWatch, 'forgetRemoved'>, followed: number) {
    this.#read = read
    this.#watch = watch
    this.#followed = followed
  }

  follow(upTo: number): Answer<readonly string[]> {
    return upTo <= this.#followed ? [] : this.#goOn(upTo)
  }

  async #goOn(upTo: number): Promise<readonly string[]> {
    const users = await this.#read.removed.users(this.#followed, upTo)
    for (const userId of users) await this.#watch.forgetRemoved(userId)
    this.#followed = upTo
    return users
  }
}
