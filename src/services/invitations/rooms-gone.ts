import type { Clock } from '../../core/clock.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { InvitationFollower } from './follower.ts'
import type { InvitationRecords } from './records.ts'
import { ended } from './status.ts'

/** Rooms that are looked after in one round. */
const MAX_ROOMS = 1_000

/**
 * Ends what users of this server have sent, or were to send, into rooms that were removed from it: no event will tell any more what
 * becomes of that, and it would count among their pending invitations for good.
 */
export class InvitationsOfRoomsGone {
  readonly #records: InvitationRecords
  readonly #follower: InvitationFollower
  readonly #clock: Clock
  readonly #serverName: string

  constructor(parts: {
    records: InvitationRecords
    follower: InvitationFollower
    clock: Clock
    serverName: string
  }) {
    this.#records = parts.records
    this.#follower = parts.follower
    this.#clock = parts.clock
    this.#serverName = parts.serverName
  }

  /** Those into one room, which was just removed. */
  async endIn(roomId: string): Promise<void> {
    await this.#follower.caughtUp()
    const open = await this.#records.read.openIn(roomId)
    const own = open.filter(({ inviter }) => serverNameOf(inviter) === this.#serverName)
    for (const record of own) {
      const failure = { errcode: 'M_NOT_FOUND', error: 'The room is no more' }
      // Of what was never sent its inviter is told.
      const details = record.status === 'scheduled' ? { failure } : {}
      await this.#records.change(record, ended('cancelled', this.#clock.now(), details))
    }
  }

  /** Those into all such rooms: a stop may have come between the removal and the end of them. */
  async endAll(): Promise<void> {
    for (const roomId of await this.#records.read.roomsGone(MAX_ROOMS)) await this.endIn(roomId)
  }
}
