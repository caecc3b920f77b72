import { levelToSend, powerLevelOf } from '../../core/auth/power-levels.ts'
import { DUMMY_TYPE } from '../../core/dummy-type.ts'
import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import { powerContext } from './redaction-effect.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomSender } from './room-sender.ts'
import type { RoomsContext, RoomWriter } from './room-writer.ts'

/** More ends than this make every event of the room dear. */
const MANY_ENDS = 10
/** Twice as many are tied at once, however little time has passed: each such event is then paid for by ten forks. */
const TOO_MANY_ENDS = 20
const MIN_INTERVAL_MS = 60_000
/** Rooms whose last time is remembered. */
const MAX_ROOMS = 10_000
/** In a room in which people talk the next event ties a join to what it missed; so long that is waited for (milliseconds). */
const JOIN_PATIENCE_MS = 2_000

/**
 * Ties the loose ends of rooms: an event without content by a local member, which refers to them all. Of rooms whose graph has come
 * to have many (as happens where servers talk that do not hear each other), and of what happened while a server joined.
 */
export class DummyEvents {
  readonly #context: RoomsContext
  readonly #writer: RoomWriter
  readonly #sender: RoomSender
  readonly #underWay = new Set<string>()
  readonly #last = new Map<string, number>()

  constructor(writer: RoomWriter, sender: RoomSender) {
    this.#context = writer.context
    this.#writer = writer
    this.#sender = sender
  }

  /** Looks at a room after a commit; sends in the background where it is due. */
  consider(head: RoomHead): void {
    const { roomId } = head.room
    const ends = head.extremities.length
    if (ends <= MANY_ENDS || this.#underWay.has(roomId)) return
    const now = this.#context.clock.now()
    const last = this.#last.get(roomId) ?? Number.NEGATIVE_INFINITY
    if (ends <= TOO_MANY_ENDS && now - last < MIN_INTERVAL_MS) return
    this.#remember(roomId, now)
    this.#begin(roomId, () => this.#send(head))
  }

  /**
   * Another server has joined through this one, by an event that it made before: what happened here meanwhile lies beside the join
   * and was sent to those who were in the room by then. It learns of that by what refers to both, and in a quiet room nothing
   * else would.
   */
  joined(roomId: string): void {
    if (this.#underWay.has(roomId)) return
    this.#begin(roomId, async () => {
      await this.#context.clock.sleep(JOIN_PATIENCE_MS)
      const head = await this.#writer.head(roomId)
      if (head !== undefined && head.extremities.length > 1) await this.#send(head)
    })
  }

  /**
   * Ties the ends of a room together, whatever their number, in as many steps as that takes. Answers how many are left.
   * Throws `M_NOT_FOUND`, and `M_FORBIDDEN` where nobody of this server may.
   */
  async tie(roomId: string): Promise<number> {
    for (let before = Number.POSITIVE_INFINITY; ; ) {
      const head = await this.#writer.head(roomId)
      if (head === undefined) throw new MatrixError('M_NOT_FOUND', 'The room was not found')
      const ends = head.extremities.length
      if (ends <= 1 || ends >= before) return ends
      before = ends
      if ((await this.#chooseSender(head)) === undefined)
        throw new MatrixError('M_FORBIDDEN', 'Nobody of this server may send into the room')
      await this.#send(head)
    }
  }

  #begin(roomId: string, work: () => Promise<void>): void {
    this.#underWay.add(roomId)
    work()
      .catch(error => this.#context.log.info({ room: roomId, err: error }, 'loose ends could not be tied'))
      .finally(() => this.#underWay.delete(roomId))
  }

  async #send(head: RoomHead): Promise<void> {
    const sender = await this.#chooseSender(head)
    if (sender === undefined) return
    await this.#sender.send(head.room.roomId, { type: DUMMY_TYPE, sender, content: {} })
  }

  /** The local member of greatest power: whoever may do the most is the least likely to be refused anywhere. */
  async #chooseSender(head: RoomHead): Promise<string | undefined> {
    const { serverName, read } = this.#context
    const powers = { ...(await powerContext(read, head)), version: head.version }
    let chosen: string | undefined
    let greatest = levelToSend(DUMMY_TYPE, false, powers)
    for (const [userId, membership] of head.memberships) {
      if (membership !== 'join' || serverNameOf(userId) !== serverName) continue
      const power = powerLevelOf(userId, powers)
      if (power < greatest || (power === greatest && chosen !== undefined && chosen < userId)) continue
      chosen = userId
      greatest = power
    }
    return chosen
  }

  #remember(roomId: string, now: number): void {
    this.#last.delete(roomId)
    this.#last.set(roomId, now)
    const [oldest] = this.#last.keys()
    if (this.#last.size > MAX_ROOMS && oldest !== undefined) this.#last.delete(oldest)
  }
}
