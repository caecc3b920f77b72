import {
  type DirectClaim,
  isPreferred,
  mayReplace,
  otherOf,
  type Pair,
  pairOf,
} from '../../core/direct-rooms.ts'
import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { Log } from '../../core/log.ts'
import type { DirectRoomRow } from '../../storage/direct/direct-rooms.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { RoomCore, RoomServices } from '../rooms/index.ts'
import { claimOfInvitation, type DirectClaims } from './claims.ts'
import type { DirectList } from './direct-list.ts'
import { standingOf, stays, unheardSince } from './standing.ts'
import { isWaiting, isWelcome, stillAsks, wasNeverIn } from './waiting.ts'

/** Messages that are said again in the room that has won: more cannot have been said while nobody was there. */
const MAX_CARRIED = 50

/**
 * Where two servers have each made a room for the same pair, both come to the same one: each hears of the other's by its
 * invitation, and judges by `isPreferred`. On the side of the room that has lost, its maker goes over to the other, takes
 * along what they have said, and leaves the old one pointing there.
 */
export class Contest {
  readonly #core: RoomCore
  readonly #rooms: RoomServices
  readonly #claims: DirectClaims
  readonly #list: DirectList
  readonly #log: Log

  constructor(parts: {
    core: RoomCore
    rooms: RoomServices
    claims: DirectClaims
    list: DirectList
    log: Log
  }) {
    this.#core = parts.core
    this.#rooms = parts.rooms
    this.#claims = parts.claims
    this.#list = parts.list
    this.#log = parts.log
  }

  /** Judges all that the other invites the user to; answers whether the pair's room is another one now. */
  async settle(pair: Pair, userId: string): Promise<boolean> {
    let isChanged = false
    for (const invitation of await this.#claims.invitations(pair, userId))
      isChanged = (await this.#invited(pair, invitation)) || isChanged
    return isChanged
  }

  /** Takes note of an invitation of a local user, new, accepted or whatever became of it. */
  async consider(invitation: InvitationRow): Promise<void> {
    const { userId, sender, status, kind } = invitation
    if (kind !== 'invite') return
    const pair = pairOf(userId, sender)
    if (status === 'invited') await this.#invited(pair, invitation)
    else if (status === 'accepted') await this.#accepted(pair, invitation)
  }

  /**
   * Where the other, who is not in the pair's room, has invited the user to another one as plain Matrix opens chats, the
   * user takes that invitation: their server knows of no room to come back to, and two rooms that wait for each other
   * help nobody. Answers whether the pair's room is another one now.
   */
  async yieldToPlain(row: DirectRoomRow, userId: string): Promise<boolean> {
    if (this.#isHere(otherOf(row.pair, userId))) return false
    const standing = await standingOf(this.#core.context, row.roomId, row.pair, userId)
    if (standing?.own !== 'join' || standing.other === 'join' || standing.other === 'ban') return false
    for (const invitation of await this.#claims.invitations(row.pair, userId)) {
      const claim = claimOfInvitation(invitation, row.pair)
      if (claim?.generation === 0 && claim.roomId !== row.roomId) return this.#goOver(row, invitation)
    }
    return false
  }

  /** A room that the user is in now may be the pair's; then their list says so. */
  async #accepted(pair: Pair, invitation: InvitationRow): Promise<void> {
    const { userId, roomId } = invitation
    const claim = claimOfInvitation(invitation, pair)
    const row = await this.#claims.ofPair(pair)
    if (claim !== undefined && claim.generation > 0 && (await this.#isLater(claim, row, userId)))
      await this.#claims.set(pair, claim, row?.roomId)
    if ((await this.#claims.ofPair(pair))?.roomId === roomId)
      await this.#list.note(userId, otherOf(pair, userId), roomId)
  }

  /** Of several rooms that one has made the user may have heard of one that is gone, and come into the next. */
  async #isLater(claim: DirectClaim, row: DirectRoomRow | undefined, userId: string): Promise<boolean> {
    if (row === undefined || isPreferred(claim, row)) return true
    if (!mayReplace(claim, row)) return false
    return (await standingOf(this.#core.context, row.roomId, row.pair, userId))?.own !== 'join'
  }

  async #invited(pair: Pair, invitation: InvitationRow): Promise<boolean> {
    const { userId } = invitation
    const claim = claimOfInvitation(invitation, pair)
    const row = await this.#claims.ofPair(pair)
    if (claim === undefined || row === undefined || claim.roomId === row.roomId) return false
    if (claim.generation === 0) return (await this.#hasAsked(row, userId)) && this.#goOver(row, invitation)
    if (isPreferred(claim, row)) {
      const isFolded = (await isWaiting(this.#core, row, userId)) && (await this.#mayFold(row, userId, claim))
      return isFolded ? this.#fold(row, userId, claim) : this.#claims.set(pair, claim, row.roomId)
    }
    // Its maker hears of ours and comes here; until then nobody has to choose between two rooms.
    if ((await isWaiting(this.#core, row, userId)) && (await this.#isAsked(row, userId)))
      await this.#decline(invitation)
    return false
  }

  /** Whether a user waits in the room for somebody of another server, whom they have asked to come. */
  async #hasAsked({ pair, roomId }: DirectRoomRow, userId: string): Promise<boolean> {
    const otherId = otherOf(pair, userId)
    if (this.#isHere(otherId)) return false
    const standing = await standingOf(this.#core.context, roomId, pair, userId)
    return (
      standing?.own === 'join' && standing.other === 'invite' && isWelcome(this.#core.views, userId, otherId)
    )
  }

  /** Makes the plain room that the other has made the pair's. One in which there is somebody else is not for the two. */
  async #goOver(row: DirectRoomRow, { userId, roomId, sender }: InvitationRow): Promise<boolean> {
    const { read } = this.#core.context
    // Withdrawn meanwhile, or their server is away: then the room stays that there is.
    if (!(await this.#unlessRefused(() => this.#rooms.memberships.join({ userId, roomId })))) return false
    const room = await read.rooms.byId(roomId)
    const { join = 0 } = room === undefined ? {} : await read.memberships.counts(room.nid)
    if (join > 2) {
      const reason = 'This is no room of two'
      await this.#unlessRefused(() => this.#rooms.memberships.leave({ userId, roomId, reason }))
      return false
    }
    return this.#take(row, userId, { roomId, generation: row.generation, maker: sender })
  }

  #isHere(userId: string): boolean {
    return serverNameOf(userId) === this.#core.context.serverName
  }

  /**
   * Whether a user who waits is brought into the other's room: nobody misses their own, as the other has never been in it, or has made
   * theirs at the same moment.
   */
  async #mayFold(row: DirectRoomRow, userId: string, { generation }: DirectClaim): Promise<boolean> {
    if (!(await stillAsks(this.#core, row, userId))) return false
    return generation === row.generation || wasNeverIn(this.#core, row, otherOf(row.pair, userId))
  }

  /** Whether the other can come. Who had declined, and asks now themselves, is asked again. */
  async #isAsked(row: DirectRoomRow, userId: string): Promise<boolean> {
    const { pair, roomId } = row
    if (!(await stillAsks(this.#core, row, userId))) return false
    const invitation = { sender: userId, userId: otherOf(pair, userId), roomId, content: { is_direct: true } }
    const standing = await standingOf(this.#core.context, roomId, pair, userId)
    return (
      standing?.other !== 'leave' || this.#unlessRefused(() => this.#rooms.memberships.invite(invitation))
    )
  }

  async #decline({ userId, roomId }: InvitationRow): Promise<void> {
    const content = { 'chat.tessera.silent': true }
    await this.#unlessRefused(() => this.#rooms.memberships.leave({ userId, roomId, content }))
  }

  async #fold(row: DirectRoomRow, userId: string, claim: DirectClaim): Promise<boolean> {
    const { roomId } = claim
    if (await this.#unlessRefused(() => this.#rooms.memberships.join({ userId, roomId })))
      return this.#take(row, userId, claim)
    return this.#claims.set(row.pair, claim, row.roomId)
  }

  /**
   * Makes a room that the user is in the pair's, in place of one that waits. What was said goes over before that: once it is theirs,
   * whoever looks again after a kill finds nothing left to do. And after it, for what was said meanwhile.
   */
  async #take(row: DirectRoomRow, userId: string, claim: DirectClaim): Promise<boolean> {
    const people = { userId, otherId: otherOf(row.pair, userId) }
    await this.#carry(row.roomId, people, claim.roomId)
    if (!(await this.#claims.set(row.pair, claim, row.roomId))) return false
    await this.#close(row, userId, claim.roomId)
    return true
  }

  /** Takes what nobody has heard along to another room, and leaves the one that waits pointing there. */
  async #close({ pair, roomId }: DirectRoomRow, userId: string, winner: string): Promise<void> {
    const { sender } = this.#core
    const otherId = otherOf(pair, userId)
    await this.#carry(roomId, { userId, otherId }, winner)
    await this.#list.note(userId, otherId, winner, roomId)
    const content = { body: 'The conversation goes on in another room', replacement_room: winner }
    await this.#unlessRefused(() =>
      sender.send(roomId, { type: 'm.room.tombstone', sender: userId, stateKey: '', content }),
    )
    const reason = content.body
    const { memberships } = this.#rooms
    await this.#unlessRefused(() => memberships.kick({ sender: userId, userId: otherId, roomId, reason }))
    await this.#unlessRefused(() => memberships.leave({ userId, roomId, reason }))
  }

  /**
   * Says again, once, in the user's own name, what they have said since they asked the other to come: nobody has heard it. What the
   * other room refuses is left out.
   */
  async #carry(
    roomId: string,
    { userId, otherId }: { userId: string; otherId: string },
    winner: string,
  ): Promise<void> {
    const { context, sender, views } = this.#core
    const room = await context.read.rooms.byId(roomId)
    if (room === undefined) return
    const range = {
      roomNid: room.nid,
      after: unheardSince(await stays(context, room, otherId)),
      upTo: context.db.position('events'),
      limit: MAX_CARRIED,
    }
    const rows = await views.pages.page('b', range)
    const said = rows.filter(
      row => row.type === 'm.room.message' && row.sender === userId && row.redactedBy === undefined,
    )
    const events = await context.read.events.byNids(said.map(row => row.nid))
    for (const { event } of events.toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0))) {
      const { type, content, originServerTs, eventId: txnId } = event
      const transaction = { userId, deviceId: '', scope: `carried into ${winner}`, txnId }
      const said = { type, sender: userId, content, originServerTs }
      await this.#unlessRefused(() => sender.send(winner, said, { transaction }))
    }
  }

  /** The other side may have done it already, or be out of reach. Answers whether it is done. */
  async #unlessRefused(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      this.#log.info({ err: error }, 'one of two direct rooms could not be joined, written to or closed')
      return false
    }
  }
}
