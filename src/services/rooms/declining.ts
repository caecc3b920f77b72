import { MatrixError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { type OwnChange, withReason } from './membership-content.ts'
import type { RemoteMemberships } from './ports.ts'
import type { RoomsContext } from './room-writer.ts'

const INVITES = { stream: 'invites', offset: 0 } as const

/** How invitations to rooms in which nobody here is are declined, and knocks on them taken back. */
export class Declining {
  /** Told of a leave that holds here and that no server in the room has taken yet, as none answered. */
  onUntold: ((leave: OwnChange) => Promise<void>) | undefined
  readonly #context: RoomsContext
  readonly #remote: RemoteMemberships
  readonly #log: Log

  constructor(parts: { context: RoomsContext; remote: RemoteMemberships; log: Log }) {
    this.#context = parts.context
    this.#remote = parts.remote
    this.#log = parts.log
  }

  /** The user has decided: their server stops showing it, whether or not the other side could be told. */
  async decline(change: OwnChange, inviterServer: string): Promise<void> {
    const { userId, roomId } = change
    const { db, write, clock } = this.#context
    let isTold = true
    try {
      await this.tell(change, inviterServer)
    } catch (error) {
      isTold = error instanceof MatrixError && error.status < 500
      this.#log.info(
        { room: roomId, via: inviterServer, err: error },
        'declined an invitation on this side only',
      )
    }
    const settle = write.invitations.settle(userId, roomId, 'declined', clock.now(), INVITES)
    await db.commit({ statements: [settle] })
    if (!isTold) await this.onUntold?.(change)
  }

  /** Tells the servers in the room. Throws as they answer. */
  async tell(change: OwnChange, server: string): Promise<void> {
    const { userId, roomId } = change
    await this.#remote.leave({ userId, roomId, via: [server], content: withReason(change) })
  }
}
