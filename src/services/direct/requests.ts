import type { Clock } from '../../core/clock.ts'
import { otherOf, type Pair, pairOf } from '../../core/direct-rooms.ts'
import { MatrixError } from '../../core/errors.ts'
import { growingCache } from '../../core/growing-cache.ts'
import { isUserId, serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { QueueEdu } from '../ephemeral/index.ts'
import type { Attention } from '../notifications/attention.ts'
import type { Requester } from '../requester.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { DirectClaims } from './claims.ts'
import type { OpenedRoom } from './direct-rooms.ts'
import type { Readmission } from './readmission.ts'
import { DIRECT_REQUEST_EDU } from './request-edu.ts'
import { standingOf } from './standing.ts'

/** The same request is not sent again to another server before this (milliseconds): it waits there already. */
const REPEAT_MS = 30_000

/** Requests for the other one's attention in a direct room. */
export class DirectRequests {
  readonly #context: RoomsContext
  readonly #clock: Clock
  readonly #claims: DirectClaims
  readonly #attention: Attention
  readonly #queueEdu: QueueEdu
  readonly #readmission: Readmission
  readonly #sent = growingCache<string, number>(20_000)

  constructor(parts: {
    context: RoomsContext
    clock: Clock
    claims: DirectClaims
    attention: Attention
    queueEdu: QueueEdu
    readmission: Readmission
  }) {
    this.#context = parts.context
    this.#clock = parts.clock
    this.#claims = parts.claims
    this.#attention = parts.attention
    this.#queueEdu = parts.queueEdu
    this.#readmission = parts.readmission
  }

  /**
   * Asks the other one, who is in the room, for attention. Somebody who is only invited has an invitation waiting.
   * @returns whether a request waits for them, as far as is for the user to know: nobody learns that they are ignored
   */
  async request(
    { userId, isShadowBanned }: Pick<Requester, 'userId' | 'isShadowBanned'>,
    { roomId, key, otherMembership }: OpenedRoom,
  ): Promise<boolean> {
    if (otherMembership !== 'join') return false
    if (isShadowBanned) return true
    const [low, high] = key
    const asked = otherOf({ low, high }, userId)
    const ts = this.#clock.now()
    if (this.#isLocal(asked)) {
      await this.#attention.request({ asked, by: userId, roomId, ts })
      return true
    }
    const name = `${roomId} ${userId}`
    if (ts - (this.#sent.get(name) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return true
    this.#sent.set(name, ts)
    await this.#send({ roomId, userId, asked }, 'request')
    return true
  }

  /** Takes the request back, if one waits. Throws `M_NOT_FOUND` if the two have no room. */
  async withdraw(userId: string, otherId: string): Promise<void> {
    const row = isUserId(otherId) ? await this.#claims.ofPair(pairOf(userId, otherId)) : undefined
    if (row === undefined) throw new MatrixError('M_NOT_FOUND', 'You have no direct room with this user')
    const { roomId } = row
    if (this.#isLocal(otherId)) {
      await this.#attention.withdraw({ asked: otherId, by: userId, roomId })
      return
    }
    this.#sent.delete(`${roomId} ${userId}`)
    await this.#send({ roomId, userId, asked: otherId }, 'withdraw')
  }

  /** A request, its withdrawal, or the wish to come back, of another server's user. What is not theirs to ask is passed over. */
  readonly receive = async (origin: string, content: JsonObject): Promise<void> => {
    const { room_id: roomId, sender, user_id: asked, action, requested_ts: ts } = content
    if (typeof roomId !== 'string' || typeof sender !== 'string' || typeof asked !== 'string') return
    if (!isUserId(sender) || serverNameOf(sender) !== origin || !this.#isLocal(asked)) return
    const pair = pairOf(sender, asked)
    if (!(await this.#isTheirRoom(pair, asked, roomId))) return
    if (action === 'return') return this.#readmission.grant(roomId, pair, asked)
    const standing = await standingOf(this.#context, roomId, pair, asked)
    if (standing?.own !== 'join' || standing.other !== 'join') return
    if (action === 'withdraw') await this.#attention.withdraw({ asked, by: sender, roomId })
    if (action !== 'request') return
    const now = this.#clock.now()
    const askedTs = typeof ts === 'number' && Number.isSafeInteger(ts) && ts > 0 ? Math.min(ts, now) : now
    await this.#attention.request({ asked, by: sender, roomId, ts: askedTs })
  }

  async #isTheirRoom(pair: Pair, userId: string, roomId: string): Promise<boolean> {
    const claim = (await this.#claims.ofPair(pair)) ?? (await this.#claims.find(pair, userId))
    return claim?.roomId === roomId
  }

  async #send(
    { roomId, userId, asked }: { roomId: string; userId: string; asked: string },
    action: 'request' | 'withdraw',
  ): Promise<void> {
    await this.#queueEdu({
      destinations: [serverNameOf(asked)],
      type: DIRECT_REQUEST_EDU,
      content: {
        room_id: roomId,
        sender: userId,
        user_id: asked,
        action,
        requested_ts: this.#clock.now(),
      },
      keep: true,
      key: `${DIRECT_REQUEST_EDU} ${roomId} ${userId}`,
    })
  }

  #isLocal(userId: string): boolean {
    return serverNameOf(userId) === this.#context.serverName
  }
}
