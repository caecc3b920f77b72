import type { Clock } from '../../core/clock.ts'
import { pairKey, pairOf } from '../../core/direct-rooms.ts'
import type { Log } from '../../core/log.ts'
import { StreamTouches } from '../../storage/stream-touches.ts'
import { forEachBounded } from '../bounded.ts'
import type { QueueEdu, ReceiveEdu } from '../ephemeral/index.ts'
import type { Attention } from '../notifications/attention.ts'
import type { RoomCore, RoomServices } from '../rooms/index.ts'
import { SerialQueue } from '../serial-queue.ts'
import { StreamFollower } from '../stream-follower.ts'
import { DirectClaims } from './claims.ts'
import { Contest } from './contest.ts'
import { DirectList } from './direct-list.ts'
import { DirectRooms } from './direct-rooms.ts'
import { DirectExtension } from './extension.ts'
import { DIRECT_REQUEST_EDU, DirectRequests } from './requests.ts'

/** Rooms of two people, as the endpoints see them. */
export interface DirectServices {
  readonly directRooms: DirectRooms
  readonly directRequests: DirectRequests
  readonly directExtension: DirectExtension
}

/** The same with what goes on without being asked for. */
export interface Direct {
  readonly services: DirectServices
  /** What to do about EDUs of other servers, by type. */
  readonly eduHandlers: Readonly<Record<string, ReceiveEdu>>
  /** Resolves once all invitations that are stored now have been looked at. */
  caughtUp(): Promise<void>
  start(): void
  close(): Promise<void>
}

/** A room that is folded into one of another server is joined there, which may take its time. */
const USERS_AT_ONCE = 16

/** Builds the rooms of two people over the room services. */
export const createDirect = (parts: {
  core: RoomCore
  rooms: RoomServices
  attention: Attention
  queueEdu: QueueEdu
  clock: Clock
  log: Log
  /** Whether clients that ask for a new direct room with somebody get the one that the two have. */
  isReused: boolean
  /** Whether a local user is there; by default whoever has an account that is in use. */
  isUser?: (userId: string) => Promise<boolean>
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
    isUser: parts.isUser,
  })
  const directRequests = new DirectRequests({
    ...{ context, claims, clock: parts.clock },
    attention: parts.attention,
    queueEdu: parts.queueEdu,
  })
  const touches = new StreamTouches(db)
  const follower = new StreamFollower({
    ...{ database: db, clock: parts.clock, log },
    name: 'direct',
    sole: context.processes.soleWork('direct'),
    stream: 'invites',
    work: async (after, upTo) => {
      const users = await touches.users('invites', after, upTo)
      // What goes wrong with one pair, or takes long, is nothing to the others.
      await forEachBounded(users, USERS_AT_ONCE, async userId => {
        for (const invitation of await read.invitations.changed(userId, after, upTo)) {
          await queue
            .run(pairKey(pairOf(userId, invitation.sender)), () => contest.consider(invitation))
            .catch(error =>
              log.warn({ err: error, room: invitation.roomId }, 'an invitation was not looked at'),
            )
        }
      })
      return upTo
    },
  })
  rooms.successors.add((userId, { from, to }) => directRooms.carryOver(userId, from, to))
  return {
    services: {
      directRooms,
      directRequests,
      directExtension: new DirectExtension({ core, rooms, claims }),
    },
    eduHandlers: { [DIRECT_REQUEST_EDU]: directRequests.receive },
    caughtUp: () => follower.caughtUp(),
    start: () => follower.start(),
    close: () => follower.close(),
  }
}
