import type { Clock } from '../../core/clock.ts'
import { otherOf, type Pair } from '../../core/direct-rooms.ts'
import { MatrixError } from '../../core/errors.ts'
import { growingCache } from '../../core/growing-cache.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { QueueEdu } from '../ephemeral/index.ts'
import type { RoomServices } from '../rooms/index.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { DIRECT_REQUEST_EDU } from './request-edu.ts'
import { standingOf, wasSentAway } from './standing.ts'

/** The other servers, as far as direct rooms go beyond what Matrix has for them. */
export interface DirectPeers {
  /** Whether a server knows our extensions. Throws `MatrixError` where that cannot be told now. */
  areOurs(server: string): Promise<boolean>
  readonly queueEdu: QueueEdu
}

/** So long somebody waits to be let in again (milliseconds), looking so often. */
const PATIENCE_MS = 5_000
const LOOK_AGAIN_MS = 100

/** Nobody is let in again at the word of another server before this (milliseconds): each time takes two events. */
const REPEAT_MS = 10_000

/**
 * Lets those who have left a direct room in again: being one of the pair is the standing invitation of either, until they are sent away. It
 * is the server of the one who is still there that invites.
 */
export class Readmission {
  readonly #context: RoomsContext
  readonly #memberships: RoomServices['memberships']
  readonly #peers: DirectPeers
  readonly #clock: Clock
  /** When somebody of another server was last let into a room, by room ID. */
  readonly #granted = growingCache<string, number>(20_000)

  constructor(parts: {
    context: RoomsContext
    memberships: RoomServices['memberships']
    peers: DirectPeers
    clock: Clock
  }) {
    this.#context = parts.context
    this.#memberships = parts.memberships
    this.#peers = parts.peers
    this.#clock = parts.clock
  }

  /**
   * Asks the server of the other one to invite a local user; answers whether it has. A server that knows nothing of this is not asked.
   * Throws `M_CONNECTION_FAILED` and the like.
   */
  async ask(roomId: string, pair: Pair, userId: string): Promise<boolean> {
    const otherId = otherOf(pair, userId)
    const server = serverNameOf(otherId)
    if (!(await this.#peers.areOurs(server))) return false
    await this.#peers.queueEdu({
      destinations: [server],
      type: DIRECT_REQUEST_EDU,
      content: {
        room_id: roomId,
        sender: userId,
        user_id: otherId,
        action: 'return',
        requested_ts: this.#clock.now(),
      },
      // Later there is another room.
      keep: false,
      key: `${DIRECT_REQUEST_EDU} return ${roomId} ${userId}`,
    })
    for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_AGAIN_MS) {
      await this.#clock.sleep(LOOK_AGAIN_MS)
      const invitation = await this.#context.read.invitations.one(userId, roomId)
      if (invitation?.kind === 'invite' && invitation.status === 'invited') return true
    }
    return false
  }

  /** Invites whoever has left the room of a pair, in the name of the local user who is still there. */
  async grant(roomId: string, pair: Pair, userId: string): Promise<void> {
    const standing = await standingOf(this.#context, roomId, pair, userId)
    if (standing?.own !== 'join' || standing.other !== 'leave') return
    if (await wasSentAway(this.#context, standing.room, otherOf(pair, userId))) return
    const now = this.#clock.now()
    if (now - (this.#granted.get(roomId) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return
    this.#granted.set(roomId, now)
    const invitation = { sender: userId, userId: otherOf(pair, userId), roomId, content: { is_direct: true } }
    await this.#memberships.invite(invitation).catch((error: unknown) => {
      // It is for the other to see that no invitation comes.
      if (!(error instanceof MatrixError)) throw error
    })
  }
}
