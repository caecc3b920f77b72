import type { Clock } from '../../core/clock.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { Log } from '../../core/log.ts'
import type { DueRows, HeldRow } from '../../storage/due-rows.ts'
import type { StoredInvitation } from '../../storage/invitations/records.ts'
import { withReason } from '../rooms/membership-content.ts'
import type { Memberships, OwnChange } from '../rooms/memberships.ts'
import type { InvitationFollower } from './follower.ts'
import type { InvitationRecords } from './records.ts'
import { isPassing, retryAt } from './retries.ts'
import { declinedTold, declinedUntold } from './status.ts'

/** Brings answers to inviters whose server did not answer when somebody declined. */
export class UntoldAnswers {
  readonly #memberships: Memberships
  readonly #records: InvitationRecords
  readonly #follower: InvitationFollower
  readonly #clock: Clock
  readonly #log: Log

  constructor(parts: {
    memberships: Memberships
    records: InvitationRecords
    follower: InvitationFollower
    clock: Clock
    log: Log
  }) {
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

  /** Tries again. */
  async tell(record: StoredInvitation, row: HeldRow, rows: DueRows): Promise<void> {
    const { roomId, userId, inviter, details } = record
    const held = [rows.stillHeld(row)]
    try {
      await this.#memberships.declining.tell(
        { userId, roomId, content: details.untold ?? {} },
        serverNameOf(inviter),
      )
    } catch (error) {
      const again = isPassing(error) ? retryAt(row.dueTs, this.#clock.now()) : undefined
      if (again !== undefined) return this.#records.postpone(record, again, held)
      this.#log.info({ room: roomId, user: userId, err: error }, 'an inviter is never told of a decline')
    }
    await this.#records.change(record, declinedTold, held)
  }
}
