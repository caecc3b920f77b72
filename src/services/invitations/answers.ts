import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { Log } from '../../core/log.ts'
import type { DueRows, HeldRow } from '../../storage/due-rows.ts'
import type { StoredInvitation } from '../../storage/invitations/records.ts'
import { isPassing } from '../passing.ts'
import { withReason } from '../rooms/membership-content.ts'
import type { Memberships, OwnChange } from '../rooms/memberships.ts'
import type { RoomSender } from '../rooms/room-sender.ts'
import type { RoomWriter } from '../rooms/room-writer.ts'
import type { InvitationFollower } from './follower.ts'
import type { InvitationRecords } from './records.ts'
import { retryAt } from './retries.ts'
import { declinedUntold, told } from './status.ts'

/**
 * Brings to the room how invitations of this server's users have ended: answers that the inviter's server did not hear,
 * and what was withdrawn or has expired without an event that says so.
 */
export class UntoldAnswers {
  readonly #writer: RoomWriter
  readonly #sender: RoomSender
  readonly #memberships: Memberships
  readonly #records: InvitationRecords
  readonly #follower: InvitationFollower
  readonly #clock: Clock
  readonly #log: Log

  constructor(parts: {
    writer: RoomWriter
    sender: RoomSender
    memberships: Memberships
    records: InvitationRecords
    follower: InvitationFollower
    clock: Clock
    log: Log
  }) {
    this.#writer = parts.writer
    this.#sender = parts.sender
    this.#memberships = parts.memberships
    this.#records = parts.records
    this.#follower = parts.follower
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** Keeps an answer until it can be told. */
  async keep(leave: OwnChange): Promise<void> {
    await this.#follower.caughtUp()
    await this.#records.change(leave, declinedUntold(withReason(leave), this.#clock.now()))
  }

  /** Tries to, and again for a week. */
  async tell(record: StoredInvitation, row: HeldRow, rows: DueRows): Promise<void> {
    const { roomId, userId } = record
    const held = [rows.stillHeld(row)]
    try {
      await this.#leave(record)
    } catch (error) {
      const again = isPassing(error) ? retryAt(row.dueTs, this.#clock.now()) : undefined
      if (again !== undefined) return this.#records.postpone(record, again, held)
      this.#log.info({ room: roomId, user: userId, err: error }, 'the end of an invitation is never told')
    }
    await this.#records.change(record, told, held)
  }

  /** Does nothing where the invitation is not what the room has for the user any more. */
  async #leave({ roomId, userId, inviter, eventId, details }: StoredInvitation): Promise<void> {
    const content = details.untold ?? {}
    const head = await this.#writer.head(roomId)
    if (!head?.hasHost(this.#writer.context.serverName)) {
      await this.#memberships.declining.tell({ userId, roomId, content }, serverNameOf(inviter), head)
      return
    }
    if (head.entry('m.room.member', userId)?.eventId !== eventId) return
    const leave = { ...content, membership: 'leave' }
    const template = { type: 'm.room.member', sender: userId, stateKey: userId, content: leave }
    await this.#sender.send(roomId, template, {
      check: now => {
        if (now.entry('m.room.member', userId)?.eventId === eventId) return
        throw new MatrixError('M_BAD_STATE', 'There is no such invitation any more')
      },
    })
  }
}
