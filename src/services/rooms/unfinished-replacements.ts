import { MatrixError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { PURGE_GUARD, PurgeRequestWriter } from '../../storage/rooms/purge-requests.ts'
import type { RoomSender } from './room-sender.ts'
import { GuardFailed, type RoomsContext } from './room-writer.ts'

/** A replacement to which nothing was added for so long, and to which nobody is sent, stays so: its maker's process has ended. */
const UNFINISHED_MS = 600_000

/**
 * Sees to it that no replacement stays half made, to be found in its maker's client and nowhere to lead: from its first commit on it is
 * to be removed (`PurgeRequests`), until the commit that sends people there says otherwise. Of the two that which begins first wins:
 * what is being removed cannot be finished.
 */
export class UnfinishedReplacements {
  readonly #context: RoomsContext
  readonly #sender: Pick<RoomSender, 'send'>
  readonly #log: Log
  readonly #write: PurgeRequestWriter

  constructor(parts: { context: RoomsContext; sender: Pick<RoomSender, 'send'>; log: Log }) {
    this.#context = parts.context
    this.#sender = parts.sender
    this.#log = parts.log
    this.#write = new PurgeRequestWriter(parts.context.db)
  }

  /** Belongs to the commit that makes the room. */
  begun(roomId: string): WriteStatement {
    return this.#write.add(keyOf(roomId).key, { roomId, before: undefined, isForced: true }, this.#due())
  }

  /** Belongs to commits that fill it; a guard fails where it is being removed. */
  goesOn(roomId: string): WriteStatement {
    return this.#write.putOff(keyOf(roomId), this.#due())
  }

  /** Belongs to the commit by which the old room leads to it; a guard fails where it is being removed. */
  finished(roomId: string): WriteStatement {
    return this.#write.withdraw(keyOf(roomId))
  }

  /** What is said of a failure to fill or finish it. */
  reasonOf(error: unknown): unknown {
    return error instanceof GuardFailed && error.guard === PURGE_GUARD
      ? new MatrixError('M_UNKNOWN', 'Replacing the room took too long. Try again.', { status: 503 })
      : error
  }

  /** Has a replacement go that its maker does not finish. One that was finished all the same stays. */
  async abandon(userId: string, roomId: string): Promise<void> {
    const { db, read, write, clock } = this.#context
    try {
      const leave = {
        type: 'm.room.member',
        sender: userId,
        stateKey: userId,
        content: { membership: 'leave' },
      }
      await this.#sender.send(roomId, leave, {
        statements: [this.#write.hasten(keyOf(roomId), clock.now())],
      })
      const room = await read.rooms.byId(roomId)
      if (room !== undefined) await db.commit({ statements: [write.memberships.forget(userId, room.nid)] })
    } catch (error) {
      this.#log.info(
        { err: error, room: roomId, user: userId },
        'a replacement that was not finished goes later',
      )
    }
  }

  #due(): number {
    return this.#context.clock.now() + UNFINISHED_MS
  }
}

const keyOf = (roomId: string): { readonly key: string } => ({ key: `replacement ${roomId}` })
