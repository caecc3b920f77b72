import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Database } from '../../storage/database.ts'
import { Rounds } from '../rounds.ts'
import type { AddressInvitations } from './address-invitations.ts'
import type { InvitationLimits } from './limits.ts'
import type { InvitationRecords } from './records.ts'
import type { InvitationsOfRoomsGone } from './rooms-gone.ts'
import type { WithdrawalEdus } from './withdrawal-edus.ts'

const HOUR_MS = 60 * 60_000

/**
 * Forgets invitations that have been over for long, delivers what is held for addresses that somebody has by now, and ends what leads into
 * rooms that are no more.
 */
export class InvitationHousekeeping {
  readonly #database: Database
  readonly #records: InvitationRecords
  readonly #edus: WithdrawalEdus
  readonly #addresses: AddressInvitations
  readonly #roomsGone: InvitationsOfRoomsGone
  readonly #clock: Clock
  readonly #limits: InvitationLimits
  readonly #rounds: Rounds

  constructor(parts: {
    database: Database
    records: InvitationRecords
    edus: WithdrawalEdus
    addresses: AddressInvitations
    roomsGone: InvitationsOfRoomsGone
    clock: Clock
    limits: InvitationLimits
    log: Log
  }) {
    this.#database = parts.database
    this.#records = parts.records
    this.#edus = parts.edus
    this.#addresses = parts.addresses
    this.#roomsGone = parts.roomsGone
    this.#clock = parts.clock
    this.#limits = parts.limits
    this.#rounds = new Rounds({
      ...{ clock: parts.clock, log: parts.log },
      everyMs: HOUR_MS,
      round: () => this.tidy(),
      failure: 'invitations could not be tidied',
    })
  }

  start(): void {
    this.#rounds.start()
  }

  close(): Promise<void> {
    return this.#rounds.close()
  }

  /** One round. */
  async tidy(): Promise<void> {
    const before = this.#clock.now() - this.#limits.keepHistory
    await this.#database.commit({ statements: [this.#records.write.forgetBefore(before)] })
    await this.#edus.tidy()
    await this.#roomsGone.endAll()
    await this.#addresses.deliverAll()
  }
}
