import type { Clock } from '../../core/clock.ts'
import { canonicalEmail } from '../../core/email-address.ts'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import type { StoredInvitation } from '../../storage/invitations/records.ts'
import { isPassing } from '../passing.ts'
import { type InvitationPlan, says, termsOfPlan } from './plan.ts'
import type { InvitationRecords } from './records.ts'
import { failureOf, type InvitationSending } from './sending.ts'
import { ended, scheduled } from './status.ts'

/** Somebody is to be invited of whom no more is known than an address ("Third-party invites"). */
export interface AddressInvitation {
  readonly sender: string
  readonly roomId: string
  readonly medium: string
  readonly address: string
  readonly reason: string | undefined
  /** What the invitation of a user holds besides, such as `is_direct`. */
  readonly content?: JsonObject
}

type HeldSending = Pick<InvitationSending, 'send' | 'deliver' | 'destination' | 'checkHeld' | 'newId'>

/** Invitations held for one address that are read at once. */
const MAX_HELD = 100
/** Users for whom it is looked in one round. */
const MAX_OWNERS = 1_000

/**
 * Invites people by their e-mail address. Whose address it is this server knows of its own users, who are invited as
 * ever. For everybody else the invitation is mailed, and held until somebody here shows that the address is theirs.
 */
export class AddressInvitations {
  readonly #sending: HeldSending
  readonly #records: InvitationRecords
  readonly #people: AddressBook
  readonly #sendsMail: boolean
  readonly #clock: Clock
  readonly #log: Log

  constructor(parts: {
    sending: HeldSending
    records: InvitationRecords
    people: AddressBook
    /** Whether the invitation can reach whoever reads the mail of an address. */
    sendsMail: boolean
    clock: Clock
    log: Log
  }) {
    this.#sending = parts.sending
    this.#records = parts.records
    this.#people = parts.people
    this.#sendsMail = parts.sendsMail
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /**
   * Invites by an address. Throws `M_THREEPID_MEDIUM_NOT_SUPPORTED`, `M_INVALID_PARAM`, `M_THREEPID_DENIED` (nobody here has
   * it, and no mail can be sent), and as `InvitationSending.send`.
   */
  async send(invitation: AddressInvitation, plan: InvitationPlan): Promise<void> {
    const { sender, roomId, medium, reason, content = {} } = invitation
    if (medium !== 'email') {
      throw new MatrixError('M_THREEPID_MEDIUM_NOT_SUPPORTED', 'Only e-mail addresses can be invited')
    }
    const address = canonicalEmail(invitation.address)
    if (address === undefined) throw new MatrixError('M_INVALID_PARAM', 'This is no e-mail address')
    const userId = await this.#people.ownerOf(address)
    if (userId !== undefined) return this.#sending.send({ sender, userId, roomId, reason, content }, plan)
    if (!this.#sendsMail) {
      throw new MatrixError('M_THREEPID_DENIED', 'Nobody here is known by this address: invite by user ID')
    }
    if (plan.deliverTs !== undefined) {
      throw new MatrixError('M_INVALID_PARAM', 'An invitation to an address cannot be sent later')
    }
    const uri = addressUri(address)
    const terms = termsOfPlan(plan, reason)
    await this.#sending.checkHeld({ sender, userId: uri, roomId, content }, terms)
    const before = await this.#records.read.one(roomId, uri)
    if (before?.status === 'scheduled' && says(before, sender, terms)) return
    const recordId = this.#sending.newId()
    const held = { roomId, userId: uri, inviter: sender, recordId, deliverTs: undefined, terms, content }
    // Where somebody else has done so before, they are invited already.
    await this.#records.change(held, scheduled(held, this.#clock.now()))
    // Whoever has shown in this very moment that the address is theirs has not found it yet.
    const owner = await this.#people.ownerOf(address)
    if (owner !== undefined) await this.deliverTo(owner)
  }

  /**
   * Puts on record that an invitation for which nobody waits could not be sent, so that its inviter is told why; where the address has one to
   * that room, that stands.
   */
  async failed(invitation: AddressInvitation, plan: InvitationPlan, error: unknown): Promise<void> {
    const { sender, roomId, medium, reason, content = {} } = invitation
    const address = medium === 'email' ? canonicalEmail(invitation.address) : undefined
    if (address === undefined) return
    const now = this.#clock.now()
    const held = {
      ...{ roomId, userId: addressUri(address), inviter: sender, recordId: this.#sending.newId() },
      ...{ deliverTs: undefined, terms: termsOfPlan(plan, reason), content },
    }
    const over = ended('cancelled', now, { failure: failureOf(error) })
    await this.#records.change(held, record =>
      record === undefined ? over(scheduled(held, now)(undefined)) : undefined,
    )
  }

  /** Whom an invitation would reach without the help of others: a user of this server, or whoever reads the mail. */
  async reach({
    medium,
    address,
  }: Pick<AddressInvitation, 'medium' | 'address'>): Promise<'user' | 'mail' | undefined> {
    const canonical = medium === 'email' ? canonicalEmail(address) : undefined
    if (canonical === undefined) return undefined
    if ((await this.#people.ownerOf(canonical)) !== undefined) return 'user'
    return this.#sendsMail ? 'mail' : undefined
  }

  /** Delivers what is held for the addresses of a user, who has shown that they are theirs. */
  async deliverTo(userId: string): Promise<void> {
    for (const address of await this.#people.addressesOf(userId)) {
      let after: StoredInvitation | undefined
      do {
        const held = await this.#records.read.page('received', {
          ...{ owner: addressUri(address), statuses: ['scheduled'], after, limit: MAX_HELD },
        })
        // What cannot be delivered now keeps none of the others.
        for (const record of held) await this.#attempt(record, userId)
        after = held.length < MAX_HELD ? undefined : held.at(-1)
      } while (after !== undefined)
    }
  }

  /**
   * The same for everybody: who was given an address by an administrator, and those to whom it could not be delivered, or whose delivery
   * a stop of the server has cut short.
   */
  async deliverAll(): Promise<void> {
    for (const userId of await this.#records.read.ownersOfHeld(MAX_OWNERS)) await this.deliverTo(userId)
  }

  async #attempt(record: StoredInvitation, userId: string): Promise<void> {
    await this.#deliver(record, userId).catch(error =>
      this.#log.warn(
        { room: record.roomId, user: userId, err: error },
        'an invitation by address is tried again later',
      ),
    )
  }

  async #deliver(record: StoredInvitation, userId: string): Promise<void> {
    const { roomId } = record
    try {
      const there = await this.#sending.destination(record, userId)
      const isThere = there.membership === 'invite' || there.membership === 'join'
      if (!isThere) await this.#sending.deliver(record, userId, there.roomId)
      await this.#records.remove(record)
    } catch (error) {
      // It is tried again within the hour.
      if (!(error instanceof MatrixError) || isPassing(error)) throw error
      this.#log.info({ room: roomId, user: userId, err: error }, 'an invitation by address was not delivered')
      await this.#records.change(record, ended('cancelled', this.#clock.now(), { failure: failureOf(error) }))
    }
  }
}

/** Whose e-mail addresses are verified, and what is known of their owners. */
export interface AddressBook {
  /** A user's addresses, canonical. */
  addressesOf(userId: string): Promise<readonly string[]>
  /** The languages (tags) that the clients of a user of this server have asked for, where they have. */
  languagesOf(userId: string): Promise<readonly string[]>
  /** The user of this server who has an address. */
  ownerOf(address: string): Promise<string | undefined>
}

/** What stands in a record in place of a user ID. */
export const addressUri = (address: string): string => `mailto:${address}`

/** The address, if a record is about one. */
export const addressOf = (userId: string): string | undefined =>
  userId.startsWith('mailto:') ? userId.slice('mailto:'.length) : undefined
