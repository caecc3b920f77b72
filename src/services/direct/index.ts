import { pairKey, pairOf } from '../../core/direct-rooms.ts'
import type { Log } from '../../core/log.ts'
import { StreamTouches } from '../../storage/stream-touches.ts'
import type { RoomCore, RoomServices } from '../rooms/index.ts'
import { SerialQueue } from '../serial-queue.ts'
import { StreamFollower } from '../stream-follower.ts'
import { DirectClaims } from './claims.ts'
import { Contest } from './contest.ts'
import { DirectList } from './direct-list.ts'
import { DirectRooms } from './direct-rooms.ts'

/** Rooms of two people, as the endpoints see them. */
export interface DirectServices {
  readonly directRooms: DirectRooms
}

/** The same with what goes on without being asked for. */
export interface Direct {
  readonly services: DirectServices
  /** Resolves once all invitations that are stored now have been looked at. */
  caughtUp(): Promise<void>
  start(): void
  close(): Promise<void>
}

/** Builds the rooms of two people over the room services. */
export const createDirect = (parts: {
  core: RoomCore
  rooms: RoomServices
  log: Log
  /** Whether clients that ask for a new direct room with somebody get the one that the two have. */
  isReused: boolean
}): Direct => {
  const { core, rooms } = parts
  const { writer, context } = core
  const { db, read } = context
  const log = parts.log.child({ part: 'direct' })
  const list = new DirectList(db)
  const claims = new DirectClaims(context, list)
  const contest = new Contest({ core, rooms, claims, list, log })
  const queue = new SerialQueue()
  const directRooms = new DirectRooms({
    writer,
    rooms,
    claims,
    list,
    contest,
    queue,
    isReused: parts.isReused,
  })
  const touches = new StreamTouches(db)
  const follower = new StreamFollower({
    ...{ database: db, log },
    name: 'direct',
    stream: 'invites',
    work: async (after, upTo) => {
      for (const userId of await touches.users('invites', after, upTo)) {
        for (const invitation of await read.invitations.changed(userId, after, upTo)) {
          const key = pairKey(pairOf(userId, invitation.sender))
          // What goes wrong with one pair is nothing to the others.
          await queue
            .run(key, () => contest.consider(invitation))
            .catch(error =>
              log.warn({ err: error, room: invitation.roomId }, 'an invitation was not looked at'),
            )
        }
      }
      return upTo
    },
  })
  rooms.successors.add((userId, { from, to }) => directRooms.carryOver(userId, from, to))
  return {
    services: { directRooms },
    caughtUp: () => follower.caughtUp(),
    start: () => follower.start(),
    close: () => follower.close(),
  }
}
