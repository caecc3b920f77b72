import { MatrixError } from '../../core/errors.ts'
import { historyVisibilityOf } from '../../core/history-visibility.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import type { RoomRow } from '../../storage/rooms/rooms.ts'
import { membershipOf } from './room-head.ts'
import { spans } from './room-sight.ts'

/** How a user stands to a room they want to read. */
export interface Access {
  readonly room: RoomRow
  readonly membership: Membership | undefined
  /**
   * The last position whose state the user may know: where they left, or `undefined` for the present (members, and
   * whoever peeks into a world-readable room).
   */
  readonly upTo: number | undefined
}

/**
 * Decides whether a user may read a room at all: members read the present, former members what was there when they
 * left, everybody what is world-readable.
 *
 * Throws `M_FORBIDDEN`; also for rooms that are not known, so that nobody can find out which rooms there are.
 */
export const accessOf = async (read: RoomReaders, userId: string, roomId: string): Promise<Access> => {
  const room = await read.rooms.byId(roomId)
  if (room === undefined) throw notAllowed()
  const row = await read.memberships.one(userId, room.nid)
  const membership = row?.membership
  if (membership === 'join') return { room, membership, upTo: undefined }
  if (await isWorldReadable(read, room.nid)) return { room, membership, upTo: undefined }
  if (row !== undefined && !row.forgotten) {
    // What came of it later (a ban, another invitation) lets them know neither more nor less.
    const memberships = await spans(read, room.nid, 'm.room.member', userId, ({ event }) =>
      membershipOf(event),
    )
    const left = memberships.findLast(({ value }) => value === 'join')?.to
    if (left !== undefined) return { room, membership, upTo: left }
  }
  throw notAllowed()
}

/** How it is decided whether a user may read a room. */
export type AccessOf = typeof accessOf

/** Administrators read every room that is known here, whoever is in it. Throws `M_NOT_FOUND`. */
export const administratorAccess: AccessOf = async (read, _userId, roomId) => {
  const room = await read.rooms.byId(roomId)
  if (room === undefined) throw new MatrixError('M_NOT_FOUND', 'The room was not found')
  return { room, membership: undefined, upTo: undefined }
}

/** Whether anybody may read the room as it is now. */
export const isWorldReadable = async (read: RoomReaders, roomNid: number): Promise<boolean> => {
  const nid = await read.state.point(roomNid, 'm.room.history_visibility', '')
  const [stored] = nid === undefined ? [] : await read.events.byNids([nid])
  return historyVisibilityOf(stored?.event) === 'world_readable'
}

const notAllowed = (): MatrixError => new MatrixError('M_FORBIDDEN', 'You are not in this room')
