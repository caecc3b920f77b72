import {
  type DirectClaim,
  mayReplace,
  nextGeneration,
  otherOf,
  type Pair,
  pairKey,
  pairOf,
} from '../../core/direct-rooms.ts'
import { MatrixError } from '../../core/errors.ts'
import { isUserId, serverNameOf } from '../../core/ids.ts'
import { UserReader } from '../../storage/accounts/users.ts'
import type { DirectRoomRow } from '../../storage/direct/direct-rooms.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import type { RoomServices } from '../rooms/index.ts'
import { mayAsMember } from '../rooms/member-power.ts'
import { ClaimLost } from '../rooms/room-creator.ts'
import type { RoomWriter } from '../rooms/room-writer.ts'
import type { SerialQueue } from '../serial-queue.ts'
import type { DirectClaims } from './claims.ts'
import type { Contest } from './contest.ts'
import type { DirectList } from './direct-list.ts'
import { type DirectRoomSettings, newDirectRoom } from './new-direct-room.ts'
import type { Readmission } from './readmission.ts'
import { standingOf, wasSentAway } from './standing.ts'

/** The direct room of two people, as one of them has opened it. */
export interface OpenedRoom {
  readonly roomId: string
  /** The user IDs of the two, sorted by bytes. */
  readonly key: readonly [string, string]
  /** Whether it was made just now. */
  readonly isNew: boolean
  /** Of the other one, after this. */
  readonly otherMembership: Membership
}

/** Another process may open the same room at the same time. */
const MAX_ATTEMPTS = 10

/**
 * The one room of two people: whoever of them asks, whatever the order, also at the same moment, in several processes and
 * on two servers. On one server a row is claimed in the commit that makes the room; across servers the room's create event
 * says whose it is, and the rule of `isPreferred` decides where both have made one (`contest.ts`).
 */
export class DirectRooms {
  /** Whether clients that ask for a new direct room with somebody get the one that the two have. */
  readonly isReused: boolean
  readonly #writer: RoomWriter
  readonly #rooms: RoomServices
  readonly #claims: DirectClaims
  readonly #list: DirectList
  readonly #contest: Contest
  readonly #readmission: Readmission
  readonly #isUser: (userId: string) => Promise<boolean>
  readonly #queue: SerialQueue

  constructor(parts: {
    writer: RoomWriter
    rooms: RoomServices
    claims: DirectClaims
    list: DirectList
    contest: Contest
    readmission: Readmission
    queue: SerialQueue
    isReused: boolean
    /** Whether a local user is there; by default whoever has an account that is in use. */
    isUser?: ((userId: string) => Promise<boolean>) | undefined
  }) {
    this.isReused = parts.isReused
    this.#writer = parts.writer
    this.#rooms = parts.rooms
    this.#claims = parts.claims
    this.#list = parts.list
    this.#contest = parts.contest
    this.#readmission = parts.readmission
    this.#queue = parts.queue
    const users = new UserReader(parts.writer.context.db)
    this.#isUser = parts.isUser ?? (userId => users.isActive(userId))
  }

  /**
   * Opens the room of a local user and somebody else: makes it on first use, brings the user in and invites the other
   * where they are not there.
   *
   * A user who has left is let in again by the other (`readmission.ts`). Where nobody does, since the other has left as well, is
   * of a plain Matrix server, or has sent them away, a new room takes the place of the old one; so it does where whoever is still
   * there lacks the power to invite, as in rooms that plain clients have made.
   *
   * Throws `M_INVALID_PARAM` (no user ID, oneself), `M_NOT_FOUND` (no such user), `M_FORBIDDEN` (one has banned the
   * other), and what became of the invitation.
   */
  async open(userId: string, otherId: string, settings: DirectRoomSettings = {}): Promise<OpenedRoom> {
    await this.#check(userId, otherId)
    const pair = pairOf(userId, otherId)
    return this.#queue.run(pairKey(pair), async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const opened = await this.#attempt(pair, userId, settings)
        if (opened !== undefined) return opened
      }
      throw new MatrixError('M_UNKNOWN', 'The room is being opened by too many at once', { status: 503 })
    })
  }

  /** A room of two people is replaced by its upgrade. */
  async carryOver(userId: string, from: string, to: string): Promise<void> {
    const row = await this.#claims.ofRoom(from)
    if (row === undefined || (row.pair.low !== userId && row.pair.high !== userId)) return
    const claim = await this.#claims.ofReplacement(row.pair, to)
    await this.#claims.set(row.pair, claim ?? { ...row, roomId: to }, from)
  }

  async #check(userId: string, otherId: string): Promise<void> {
    if (!isUserId(otherId)) throw new MatrixError('M_INVALID_PARAM', `${otherId} is not a user ID`)
    if (otherId === userId) throw new MatrixError('M_INVALID_PARAM', 'There is no direct room with oneself')
    if (serverNameOf(otherId) !== this.#writer.context.serverName) return
    if (!(await this.#isUser(otherId))) throw new MatrixError('M_NOT_FOUND', `There is no user ${otherId}`)
  }

  /** `undefined`: somebody was faster, and it has to be looked at again. */
  async #attempt(pair: Pair, userId: string, settings: DirectRoomSettings): Promise<OpenedRoom | undefined> {
    const row = await this.#claims.ofPair(pair)
    const isIn = row !== undefined && (await this.#enter(row, userId))
    if (isIn && (await this.#contest.yieldToPlain(row, userId))) return undefined
    if (!isIn) {
      const found = await this.#claims.find(pair, userId)
      if (found !== undefined && (row === undefined || mayReplace(found, row))) {
        await this.#claims.set(pair, found, row?.roomId)
        return undefined
      }
    }
    const roomId = isIn ? row.roomId : await this.#make(pair, userId, row, settings)
    if (roomId === undefined) return undefined
    const otherMembership = settings.isUnheard
      ? ((await this.#waitingOrIn(pair, userId, roomId)) ?? 'invite')
      : await this.#bring(pair, userId, roomId, !isIn)
    await this.#list.note(userId, otherOf(pair, userId), roomId)
    // The other may have made one at the same moment, elsewhere.
    const isElsewhere = serverNameOf(otherOf(pair, userId)) !== this.#writer.context.serverName
    if (!isIn && isElsewhere && (await this.#contest.settle(pair, userId))) return undefined
    return { roomId, key: [pair.low, pair.high], isNew: !isIn, otherMembership }
  }

  /** Answers whether the user is in the room now, and the other is or can be. */
  async #enter({ pair, roomId }: DirectRoomRow, userId: string): Promise<boolean> {
    const { serverName, read } = this.#writer.context
    const otherId = otherOf(pair, userId)
    const standing = await standingOf(this.#writer.context, roomId, pair, userId)
    const { isHere = false, own, other } = standing ?? {}
    if (isHere && own === 'join') {
      const isReachable = other === 'join' || other === 'invite' || other === 'ban'
      return isReachable || this.#mayInvite(roomId, userId)
    }
    if (isHere && own === 'ban') throw new MatrixError('M_FORBIDDEN', `${otherId} has banned you`)
    const invitation = await read.invitations.one(userId, roomId)
    if (invitation?.status !== 'invited' || invitation.kind !== 'invite') {
      if (standing === undefined || other !== 'join') return false
      if (await wasSentAway(this.#writer.context, standing.room, userId)) return false
      if (serverNameOf(otherId) === serverName) {
        if (!(await this.#mayInvite(roomId, otherId))) return false
        await this.#invite(roomId, otherId, userId)
      } else if (own !== 'leave' || !(await this.#readmission.ask(roomId, pair, userId))) return false
    }
    try {
      await this.#rooms.memberships.join({ userId, roomId })
      return true
    } catch (error) {
      // Withdrawn, or the room is no more.
      if (error instanceof MatrixError && (error.status === 403 || error.status === 404)) return false
      throw error
    }
  }

  async #make(
    pair: Pair,
    userId: string,
    before: DirectRoomRow | undefined,
    { beforeMaking, isUnheard: _, ...settings }: DirectRoomSettings,
  ): Promise<string | undefined> {
    beforeMaking?.()
    const { roomCreation, roomSettings } = this.#rooms
    const generation = nextGeneration(before?.generation ?? 0)
    const version = settings.version ?? roomSettings.defaultVersion
    const room = newDirectRoom({ pair, generation, maker: userId }, { ...settings, version })
    const claim = (roomId: string): DirectClaim => ({ roomId, generation, maker: userId })
    try {
      return await roomCreation.make(room, roomId => [
        this.#claims.statement(pair, claim(roomId), before?.roomId),
      ])
    } catch (error) {
      if (error instanceof ClaimLost) return undefined
      throw error
    }
  }

  /** Invites the other one if they are neither in the room nor invited; answers what they are then. */
  async #bring(pair: Pair, userId: string, roomId: string, isNew: boolean): Promise<Membership> {
    const already = await this.#waitingOrIn(pair, userId, roomId)
    if (already !== undefined) return already
    try {
      await this.#invite(roomId, userId, otherOf(pair, userId))
      return 'invite'
    } catch (error) {
      // A room with nobody to talk to is nobody's: the next attempt begins anew.
      if (isNew) {
        await this.#claims.release(pair, roomId)
        await this.#rooms.memberships.leave({ userId, roomId })
        await this.#rooms.memberships.forget(userId, roomId)
      }
      throw error
    }
  }

  /** What the other one is, if they are in the room or invited to it. */
  async #waitingOrIn(pair: Pair, userId: string, roomId: string): Promise<'join' | 'invite' | undefined> {
    const other = await this.#membership(roomId, otherOf(pair, userId))
    return other === 'join' || other === 'invite' ? other : undefined
  }

  /** Somebody who came in, or was invited, in the meantime is no failure. */
  async #invite(roomId: string, sender: string, userId: string): Promise<void> {
    try {
      await this.#rooms.memberships.invite({ sender, userId, roomId, content: { is_direct: true } })
    } catch (error) {
      const membership = await this.#membership(roomId, userId)
      if (membership !== 'join' && membership !== 'invite') throw error
    }
  }

  #mayInvite(roomId: string, userId: string): Promise<boolean> {
    return mayAsMember(this.#writer, { roomId, userId }, 'invite')
  }

  async #membership(roomId: string, userId: string): Promise<Membership | undefined> {
    const { read } = this.#writer.context
    const room = await read.rooms.byId(roomId)
    return room && (await read.memberships.one(userId, room.nid))?.membership
  }
}
