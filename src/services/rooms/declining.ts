import type { RoomEvent } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import { isPassing } from '../passing.ts'
import { inTime } from './in-time.ts'
import { endingBy, ownEnding } from './invitation-ending.ts'
import { type OwnChange, withReason } from './membership-content.ts'
import type { RemoteMemberships } from './ports.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { serversToAsk } from './servers-to-ask.ts'

const INVITES = { stream: 'invites', offset: 0 } as const

/** For so long (milliseconds) whoever declines waits for the other side to hear of it; after that it is told later. */
const PATIENCE_MS = 8_000

/** How invitations to rooms in which nobody here is are declined, and knocks on them taken back. */
export class Declining {
  /** Told of a leave that holds here and that no server in the room has taken yet, as none answered. */
  onUntold: ((leave: OwnChange) => Promise<void>) | undefined
  readonly #context: RoomsContext
  readonly #remote: Pick<RemoteMemberships, 'leave'>
  readonly #log: Log

  constructor(parts: { context: RoomsContext; remote: Pick<RemoteMemberships, 'leave'>; log: Log }) {
    this.#context = parts.context
    this.#remote = parts.remote
    this.#log = parts.log
  }

  /** The user has decided: their server stops showing it, whether or not the other side could be told. */
  async decline(
    change: OwnChange,
    invitation: Pick<InvitationRow, 'sender' | 'eventId'>,
    head?: RoomHead,
  ): Promise<void> {
    const { userId, roomId } = change
    const { db, write, clock } = this.#context
    const inviterServer = serverNameOf(invitation.sender)
    let isTold = true
    let ending: JsonObject | undefined
    try {
      // Who has invited is often on a server that is gone.
      const leave = await inTime(clock, PATIENCE_MS, this.tell(change, inviterServer, head))
      isTold = leave !== undefined
      ending = leave && endingBy(leave)
    } catch (error) {
      isTold = !isPassing(error)
      this.#log.info(
        { room: roomId, via: inviterServer, err: error },
        'declined an invitation on this side only',
      )
    }
    const now = clock.now()
    ending ??= ownEnding({ userId, eventId: invitation.eventId }, withReason(change), now)
    const end = { status: 'declined', now, position: INVITES, ending } as const
    await db.commit({ statements: [write.invitations.settle(change, end)] })
    if (!isTold) await this.onUntold?.(change)
  }

  /** Tells the servers in the room, the inviter's first, and answers the event by which. Throws as they answer. */
  async tell(change: OwnChange, inviterServer: string, head?: RoomHead): Promise<RoomEvent> {
    const { userId, roomId } = change
    const named = [inviterServer, ...(await serversToAsk(this.#context, { userId, roomId }, head))]
    // Ours may have left the room, and the inviter with it.
    const via = named.filter(server => server !== this.#context.serverName)
    return this.#remote.leave({ userId, roomId, via, content: withReason(change) })
  }
}
