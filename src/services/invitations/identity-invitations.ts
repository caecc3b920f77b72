import { levelTo, powerLevelOf } from '../../core/auth/power-levels.ts'
import { canonicalEmail } from '../../core/email-address.ts'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import type { InvitedAddress, StoredInvite } from '../../network/identity-invites.ts'
import type { IdentityServers } from '../../network/identity-servers.ts'
import { askIdentityServer } from '../accounts/identity-errors.ts'
import { inTime } from '../rooms/in-time.ts'
import type { MemberProfile } from '../rooms/ports.ts'
import { powerContext } from '../rooms/redaction-effect.ts'
import type { RoomHead } from '../rooms/room-head.ts'
import type { RoomSender } from '../rooms/room-sender.ts'
import type { RoomWriter } from '../rooms/room-writer.ts'
import type { AddressInvitation, AddressInvitations } from './address-invitations.ts'
import type { InvitationPlan } from './plan.ts'
import type { InvitationSending } from './sending.ts'

/** An invitation by an address, with the identity server that the inviting person names. */
export interface IdentityInvitation extends AddressInvitation {
  /** `host` or `host:port`. */
  readonly idServer: string | undefined
  /** The inviting user's, of that server. */
  readonly accessToken: string | undefined
}

/** So long (milliseconds) whoever makes a room waits for those whom they invite by address. */
const PATIENCE_MS = 8_000

/** What an identity server that cannot be asked is answered with. */
const OUT_OF_REACH: ReadonlySet<string> = new Set([
  ...['M_CONNECTION_FAILED', 'M_CONNECTION_TIMEOUT', 'M_SERVER_NOT_TRUSTED'],
])

/**
 * Invitations by address (module "Third-party invites"), by way of the identity server that the inviting user names. What this
 * server knows itself needs no other; and where that other cannot be asked, this one writes to the address if it can.
 */
export class IdentityInvitations {
  readonly #writer: RoomWriter
  readonly #sender: RoomSender
  readonly #identityServers: IdentityServers
  readonly #profile: MemberProfile
  readonly #addresses: Pick<AddressInvitations, 'reach' | 'send' | 'failed'>
  readonly #sending: Pick<InvitationSending, 'send'>
  readonly #log: Log

  constructor(parts: {
    writer: RoomWriter
    sender: RoomSender
    identityServers: IdentityServers
    profile: MemberProfile
    addresses: Pick<AddressInvitations, 'reach' | 'send' | 'failed'>
    sending: Pick<InvitationSending, 'send'>
    log: Log
  }) {
    this.#writer = parts.writer
    this.#sender = parts.sender
    this.#identityServers = parts.identityServers
    this.#profile = parts.profile
    this.#addresses = parts.addresses
    this.#sending = parts.sending
    this.#log = parts.log
  }

  /**
   * Invites whoever has the address: the user to whom it is bound; else an invitation waits at the identity server, and the
   * room holds what it takes to accept it.
   *
   * Throws `M_FORBIDDEN`, before anybody is asked if the inviter may invite nobody; what the identity server refused with;
   * `M_CONNECTION_FAILED` and the like; and as `AddressInvitations.send`.
   */
  async send(invitation: IdentityInvitation, plan: InvitationPlan): Promise<void> {
    const { idServer, accessToken } = invitation
    const reach = await this.#addresses.reach(invitation)
    if (idServer === undefined || accessToken === undefined || reach === 'user') {
      return this.#addresses.send(invitation, plan)
    }
    try {
      await this.#sendThrough(idServer, accessToken, invitation, plan)
    } catch (error) {
      const isOutOfReach = error instanceof MatrixError && OUT_OF_REACH.has(error.errcode)
      if (!isOutOfReach || reach !== 'mail') throw error
      await this.#addresses.send(invitation, plan)
    }
  }

  /**
   * Invites several to a room that is there in any case; who could not be invited can be invited again, and the inviter is
   * told so. What an identity server takes long for goes on when nobody waits for it any more.
   */
  async sendAll(invitations: readonly IdentityInvitation[], plan: InvitationPlan): Promise<void> {
    const { clock } = this.#writer.context
    await inTime(clock, PATIENCE_MS, this.#sendEach(invitations, plan))
  }

  async #sendEach(invitations: readonly IdentityInvitation[], plan: InvitationPlan): Promise<void> {
    for (const invitation of invitations) {
      const { roomId: room } = invitation
      await this.send(invitation, plan).catch(async error => {
        this.#log.warn({ room, err: error }, 'invitation by address not delivered')
        await this.#addresses
          .failed(invitation, plan, error)
          .catch(err => this.#log.warn({ room, err }, 'and its inviter is not told'))
      })
    }
  }

  async #sendThrough(
    idServer: string,
    accessToken: string,
    { sender, roomId, reason, medium, address: given, content = {} }: AddressInvitation,
    plan: InvitationPlan,
  ): Promise<void> {
    const address = medium === 'email' ? canonicalEmail(given) : given
    if (address === undefined) throw new MatrixError('M_INVALID_PARAM', 'This is no e-mail address')
    const head = await this.#admitted(sender, roomId)
    const wanted: InvitedAddress = { medium, address, accessToken }
    const userId = await askIdentityServer(this.#identityServers, servers => servers.lookUp(idServer, wanted))
    if (userId !== undefined) return this.#sending.send({ sender, userId, roomId, reason, content }, plan)
    const about = await this.#about(head, sender)
    const stored = await askIdentityServer(this.#identityServers, servers =>
      servers.storeInvite(idServer, wanted, about),
    )
    await this.#sender.send(roomId, {
      ...{ type: 'm.room.third_party_invite', sender, stateKey: stored.token },
      content: offerOf(stored),
    })
  }

  async #admitted(sender: string, roomId: string): Promise<RoomHead> {
    const head = await this.#writer.head(roomId)
    if (head?.memberships.get(sender) !== 'join') {
      throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
    }
    const powers = { ...(await powerContext(this.#writer.context.read, head)), version: head.version }
    if (powerLevelOf(sender, powers) >= levelTo('invite', powers)) return head
    throw new MatrixError('M_FORBIDDEN', 'You may not invite anybody to this room')
  }

  /** "Optional fields in the request should be populated to the best of the server's ability." */
  async #about(head: RoomHead, sender: string): Promise<JsonObject> {
    const summary = (await this.#writer.context.read.summaries.ofRoom(head.room.nid))?.summary
    const { displayname, avatar_url: avatar } = await this.#profile(sender)
    const facts: Record<string, JsonObject[string] | undefined> = {
      room_name: summary?.name,
      room_avatar_url: summary?.avatar_url,
      room_alias: summary?.canonical_alias,
      room_join_rules: summary?.join_rule,
      room_type: summary?.room_type,
      sender_display_name: displayname,
      sender_avatar_url: avatar,
    }
    const known = Object.entries(facts).filter(([, value]) => typeof value === 'string')
    return { ...Object.fromEntries(known), room_id: head.room.roomId, sender }
  }
}

/** The content of `m.room.third_party_invite`: the first key also stands where older servers look for it. */
const offerOf = ({ displayName, publicKeys }: StoredInvite): JsonObject => {
  const keys = publicKeys.map(({ publicKey, keyValidityUrl }) => ({
    public_key: publicKey,
    key_validity_url: keyValidityUrl,
  }))
  return { ...keys[0], display_name: displayName, public_keys: keys }
}
