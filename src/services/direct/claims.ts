import { bestOf, type DirectClaim, directKeyOf, otherOf, type Pair } from '../../core/direct-rooms.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { Database } from '../../storage/database.ts'
import { DirectInvitationReader } from '../../storage/direct/direct-invitations.ts'
import { DirectRoomReader, type DirectRoomRow, DirectRoomWriter } from '../../storage/direct/direct-rooms.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { RoomRow } from '../../storage/rooms/rooms.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { DirectList } from './direct-list.ts'
import { type Standing, standingOf } from './standing.ts'

/** Rooms of the list that clients keep: so many are looked at. */
const MAX_LISTED = 20

/** Knows which room is whose: what is stored, and what speaks for a room where nothing is. */
export class DirectClaims {
  readonly #context: RoomsContext
  readonly #list: DirectList
  readonly #read: DirectRoomReader
  readonly #write: DirectRoomWriter
  readonly #invitations: DirectInvitationReader

  constructor(context: RoomsContext, list: DirectList) {
    const { db } = context
    this.#context = context
    this.#list = list
    this.#read = new DirectRoomReader(db)
    this.#write = new DirectRoomWriter(db)
    this.#invitations = new DirectInvitationReader(db)
  }

  get #db(): Database {
    return this.#context.db
  }

  /** The room of a pair, as far as this server has noted one. */
  ofPair(pair: Pair): Promise<DirectRoomRow | undefined> {
    return this.#read.ofPair(pair)
  }

  /** Whose direct room it is. */
  ofRoom(roomId: string): Promise<DirectRoomRow | undefined> {
    return this.#read.ofRoom(roomId)
  }

  /** The statement that makes a room the pair's; see `DirectRoomWriter.claim`. */
  statement(pair: Pair, claim: DirectClaim, before: string | undefined) {
    return this.#write.claim(pair, claim, before)
  }

  /** Makes a room the pair's if theirs is still `before`; answers whether it was. */
  async set(pair: Pair, claim: DirectClaim, before: string | undefined): Promise<boolean> {
    return (await this.#db.commit({ statements: [this.#write.claim(pair, claim, before)] })).ok
  }

  /** The pair has no room any more, if it was this one. */
  async release(pair: Pair, roomId: string): Promise<void> {
    await this.#db.commit({ statements: [this.#write.release(pair, roomId)] })
  }

  /** The pending invitations of a user by the other one of a pair, newest first. */
  async invitations(pair: Pair, userId: string): Promise<InvitationRow[]> {
    const { read } = this.#context
    const roomIds = await this.#invitations.pending(userId, otherOf(pair, userId))
    const rows = await Promise.all(roomIds.map(roomId => read.invitations.one(userId, roomId)))
    return rows.filter(row => row !== undefined)
  }

  /**
   * The room that a pair has without this server having noted it: one that the other invites to as a direct one, or one
   * that the user's clients have listed and in which the two are alone.
   */
  async find(pair: Pair, userId: string): Promise<DirectClaim | undefined> {
    const found: DirectClaim[] = []
    const listed = (await this.#list.of(userId, otherOf(pair, userId))).slice(0, MAX_LISTED)
    for (const roomId of listed) {
      const standing = await standingOf(this.#context, roomId, pair, userId)
      if (standing === undefined || !(await this.#isTheirs(standing))) continue
      found.push(await this.#claimOfRoom(standing.room, pair))
    }
    for (const invitation of await this.invitations(pair, userId)) {
      const claim = claimOfInvitation(invitation, pair)
      if (claim !== undefined) found.push(claim)
    }
    return bestOf(found)
  }

  /** What a room that replaces one of a pair says of itself; `undefined` if it was not made as theirs. */
  async ofReplacement(pair: Pair, roomId: string): Promise<DirectClaim | undefined> {
    const room = await this.#context.read.rooms.byId(roomId)
    const claim = room && (await this.#claimOfRoom(room, pair))
    return claim !== undefined && claim.generation > 0 ? claim : undefined
  }

  /** Whether the user is in a room with the other one, who may only be invited yet, and with nobody else. */
  async #isTheirs({ room, own, other }: Standing): Promise<boolean> {
    if (own !== 'join' || (other !== 'join' && other !== 'invite')) return false
    const { join = 0 } = await this.#context.read.memberships.counts(room.nid)
    return join === (other === 'join' ? 2 : 1)
  }

  async #claimOfRoom({ nid, roomId, creator }: RoomRow, pair: Pair): Promise<DirectClaim> {
    const { read } = this.#context
    const createNid = await read.state.point(nid, 'm.room.create', '')
    const [create] = createNid === undefined ? [] : await read.events.byNids([createNid])
    const key = create && directKeyOf(create.event.content)
    const isOwn = key !== undefined && isSame(key.pair, pair)
    return { roomId, generation: isOwn ? key.generation : 0, maker: creator }
  }
}

/**
 * What an invitation says of its room: the pair's, if the create event was made for them by one of them, and the
 * invitation (which the inviter's server has signed) goes from one to the other; or, with generation 0, a direct room
 * as plain Matrix has them. `undefined` if neither.
 */
export const claimOfInvitation = (
  { userId, sender, roomId, strippedState, event }: InvitationRow,
  pair: Pair,
): DirectClaim | undefined => {
  if (!isSame(pair, { low: userId, high: sender }) && !isSame(pair, { low: sender, high: userId }))
    return undefined
  const create = strippedState.find(one => one['type'] === 'm.room.create' && one['state_key'] === '')
  const key = isJsonObject(create?.['content']) ? directKeyOf(create['content']) : undefined
  const maker = create?.['sender']
  if (key !== undefined && isSame(key.pair, pair) && (maker === pair.low || maker === pair.high))
    return { roomId, generation: key.generation, maker }
  const content = event['content'] as JsonObject | undefined
  return content?.['is_direct'] === true ? { roomId, generation: 0, maker: sender } : undefined
}

const isSame = (a: Pair, b: Pair): boolean => a.low === b.low && a.high === b.high
