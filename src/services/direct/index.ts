import type { Clock } from '../../core/clock.ts'
import { pairKey, pairOf } from '../../core/direct-rooms.ts'
import type { Log } from '../../core/log.ts'
import { StreamTouches } from '../../storage/stream-touches.ts'
import { forEachBounded } from '../bounded.ts'
import type { ReceiveEdu } from '../ephemeral/index.ts'
import type { Attention } from '../notifications/attention.ts'
import type { RoomCore, RoomServices } from '../rooms/index.ts'
import { SerialQueue } from '../serial-queue.ts'
import { StreamFollower } from '../stream-follower.ts'
import { DirectClaims } from './claims.ts'
import { Contest } from './contest.ts'
import { DirectList } from './direct-list.ts'
import { DirectRooms } from './direct-rooms.ts'
import { DirectExtension } from './extension.ts'
import { type DirectPeers, Readmission } from './readmission.ts'
import { DIRECT_REQUEST_EDU } from './request-edu.ts'
import { DirectRequests } from './requests.ts'

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
  /** Has a room stand among a user's direct rooms with another, unless it does. */
  note(userId: string, otherId: string, roomId: string): Promise<void>
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
  peers: DirectPeers
  clock: Clock
  log: Log
  /** Whether clients that ask for a new direct room with somebody get the one that the two have. */
  isReused: boolean
  /** Whether a local user is there; by default whoever has an account that is in use. */
  isUser?: (userId: string) => Promise<boolean>
}): Direct => {
  const { core, rooms, peers, clock } = parts
  const { writer, context } = core
  const { db, read } = context
  const log = parts.log.child({ part: 'direct' })
  const list = new DirectList(db)
  const claims = new DirectClaims(context, list)
  const contest = new Contest({ core, rooms, claims, list, log })
  const readmission = new Readmission({ context, memberships: rooms.memberships, peers, clock })
  const queue = new SerialQueue()
  const directRooms = new DirectRooms({
    writer,
    rooms,
    claims,
    list,
    contest,
    readmission,
    queue,
    isReused: parts.isReused,
    isUser: parts.isUser,
  })
  const directRequests = new DirectRequests({
    ...{ context, claims, clock, readmission },
    attention: parts.attention,
    queueEdu: peers.queueEdu,
  })
  const touches = new StreamTouches(db)
  const follower = new StreamFollower({
    ...{ database: db, clock, log },
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
      directExtension: new DirectExtension({ core, rooms, claims, log }),
    },
    eduHandlers: { [DIRECT_REQUEST_EDU]: directRequests.receive },
    note: (userId, otherId, roomId) => list.note(userId, otherId, roomId),
    caughtUp: () => follower.caughtUp(),
    start: () => follower.start(),
    close: () => follower.close(),
  }
}
