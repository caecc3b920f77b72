import { signingKeyOf } from '../../../core/auth/rules/third-party-invite.ts'
import { CanonicalJsonError, canonicalJson } from '../../../core/canonical-json.ts'
import { MatrixError } from '../../../core/errors.ts'
import { isRoomId, isUserId, serverNameOf } from '../../../core/ids.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { Log } from '../../../core/log.ts'
import type { FederationClient } from '../../../network/federation-client.ts'
import type { IdentityServers } from '../../../network/identity-servers.ts'
import type { StoredEvent } from '../../../storage/rooms/events.ts'
import { askIdentityServer } from '../../accounts/identity-errors.ts'
import type { Memberships } from '../../rooms/memberships.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'
import { toClientError } from '../outbound/client-errors.ts'
import { Slots } from '../slots.ts'
import type { MayBeInvited } from './invitations.ts'
import type { RoomGate } from './room-gate.ts'

/**
 * What an identity server has signed: this user owns the address for which the token was given out. Whatever else is in it is signed
 * as well, such as the `sender` of what `/sign-ed25519` answers ("a signature of the entire signed object").
 */
export interface SignedBinding {
  readonly mxid: string
  readonly token: string
  readonly signatures: JsonObject
}

/** An invitation to an address that has come to be a user's. */
export interface BoundInvite {
  readonly mxid: string
  readonly roomId: string
  /** Who has invited the address. */
  readonly sender: string
  readonly signed: SignedBinding
}

/** Nobody has more invitations waiting than this. */
const MAX_INVITES = 50
const AT_ONCE = 4

/** Where it is asked whether identity servers' keys still count. */
export type KeyValidity = Pick<IdentityServers, 'isKeyValid'>

type Inviting = Pick<Memberships, 'invite'>

/**
 * Invitations to addresses that become invitations to users (server-server API, "Third-party invites"). That the
 * binding is true is held against the room's keys by the rules of the room.
 */
export class ThirdPartyInvites {
  readonly #writer: RoomWriter
  readonly #gate: RoomGate
  readonly #client: Pick<FederationClient, 'exchangeThirdPartyInvite'>
  readonly #mayBeInvited: MayBeInvited
  readonly #keys: KeyValidity | undefined
  readonly #log: Log

  constructor(parts: {
    writer: RoomWriter
    gate: RoomGate
    client: Pick<FederationClient, 'exchangeThirdPartyInvite'>
    mayBeInvited: MayBeInvited
    keys: KeyValidity | undefined
    log: Log
  }) {
    this.#writer = parts.writer
    this.#gate = parts.gate
    this.#client = parts.client
    this.#mayBeInvited = parts.mayBeInvited
    this.#keys = parts.keys
    this.#log = parts.log
  }

  /**
   * The server of the user to whom an address is bound asks us, whose user has invited the address, for the invitation.
   * Throws `M_FORBIDDEN`, `M_NOT_FOUND`.
   */
  async exchange(origin: string, invite: BoundInvite & { displayName: string }, by: Inviting): Promise<void> {
    const { serverName } = this.#writer.context
    if (serverNameOf(invite.mxid) !== origin || serverNameOf(invite.sender) !== serverName) {
      throw new MatrixError(
        'M_FORBIDDEN',
        'The server of the invited user asks that of the one who has invited',
      )
    }
    if (invite.signed.mxid !== invite.mxid)
      throw new MatrixError('M_FORBIDDEN', 'This was signed for somebody else')
    await this.#gate.resident(origin, invite.roomId)
    await this.#invite(invite, invite.displayName, by)
  }

  /**
   * An identity server tells that a user of ours has bound an address for which invitations wait. Each is asked for at
   * the server of who has sent it, which can always judge it; those that fail are logged, and harm no others.
   *
   * Throws `M_NOT_FOUND` if nobody here is that user.
   */
  async bound(userId: string, invites: readonly BoundInvite[], by: Inviting): Promise<void> {
    const { serverName } = this.#writer.context
    if (serverNameOf(userId) !== serverName || !(await this.#mayBeInvited(userId))) {
      throw new MatrixError('M_NOT_FOUND', `${userId} is not a user of this server`)
    }
    const slots = new Slots(AT_ONCE)
    const own = invites.filter(invite => invite.mxid === userId && invite.signed.mxid === userId)
    const valid = own.filter(({ roomId, sender }) => isRoomId(roomId) && isUserId(sender))
    await Promise.all(valid.slice(0, MAX_INVITES).map(one => slots.run(() => this.#take(one, by))))
  }

  /**
   * A user of ours shows, as they join, what an identity server has signed for them (`third_party_signed`): the invitation to
   * their address becomes one to them first. Who is in the room already needs none.
   *
   * Throws `M_BAD_JSON`, `M_FORBIDDEN`, `M_NOT_FOUND`; where the inviter's server is another, what that says, or `M_CONNECTION_FAILED`.
   */
  async shown(
    userId: string,
    roomId: string,
    signed: SignedBinding & { readonly sender: string },
    by: Inviting,
  ): Promise<void> {
    const { sender, mxid } = signed
    if (mxid !== userId) throw new MatrixError('M_FORBIDDEN', 'This was signed for somebody else')
    if (!isRoomId(roomId) || !isUserId(sender)) {
      throw new MatrixError('M_INVALID_PARAM', 'This names no room, or no user who has invited to it')
    }
    const head = await this.#writer.head(roomId)
    if (head?.memberships.get(userId) === 'join') return
    try {
      canonicalJson(wholeOf(signed))
      await this.#exchange({ mxid, roomId, sender, signed }, by)
    } catch (error) {
      if (error instanceof CanonicalJsonError)
        throw new MatrixError('M_BAD_JSON', `Nobody can have signed this: ${error.message}.`)
      throw toClientError(error)
    }
  }

  async #take(invite: BoundInvite, by: Inviting): Promise<void> {
    try {
      await this.#exchange(invite, by)
    } catch (error) {
      const { roomId, sender, mxid } = invite
      this.#log.info(
        { room: roomId, sender, user: mxid, err: error },
        'a third-party invite was not exchanged',
      )
    }
  }

  async #exchange(invite: BoundInvite, by: Inviting): Promise<void> {
    const { roomId, sender, mxid, signed } = invite
    const inviter = serverNameOf(sender)
    if (inviter === this.#writer.context.serverName) return this.#invite(invite, '', by)
    await this.#client.exchangeThirdPartyInvite(inviter, roomId, {
      type: 'm.room.member',
      room_id: roomId,
      sender,
      state_key: mxid,
      content: {
        membership: 'invite',
        // The inviter's server knows by which name the room shows the address.
        third_party_invite: { display_name: '', signed: wholeOf(signed) },
      },
    })
  }

  /** Of what others say nothing but what was signed: it will be in our user's name. */
  async #invite({ roomId, sender, mxid, signed }: BoundInvite, asked: string, by: Inviting): Promise<void> {
    const binding = wholeOf(signed)
    const offer = await this.#offer(roomId, signed.token)
    if (offer !== undefined) await this.#checkKey(offer, binding)
    const name = offer?.event.content['display_name']
    const displayName = typeof name === 'string' ? name : asked
    const content = { third_party_invite: { display_name: displayName, signed: binding } }
    await by.invite({ sender, userId: mxid, roomId, content })
  }

  /**
   * "MUST verify … the `key_validity_url` as still being valid": this server alone, so that all have the same view of the
   * room. Whether the signature is right the rules of the room say.
   */
  async #checkKey({ event }: StoredEvent, signed: JsonObject): Promise<void> {
    const { publicKey, validityUrl } = signingKeyOf(event, signed) ?? {}
    if (publicKey === undefined || validityUrl === undefined) return
    if (await askIdentityServer(this.#keys, keys => keys.isKeyValid(validityUrl, publicKey))) return
    throw new MatrixError('M_FORBIDDEN', 'The key with which this was signed is valid no longer')
  }

  async #offer(roomId: string, token: string): Promise<StoredEvent | undefined> {
    const nid = (await this.#writer.head(roomId))?.entry('m.room.third_party_invite', token)?.nid
    const [stored] = nid === undefined ? [] : await this.#writer.context.read.events.byNids([nid])
    return stored
  }
}

/** All that a signature covers: without any part of it the signature is no longer right. */
const wholeOf = (signed: SignedBinding): JsonObject => {
  const { unsigned: _, ...covered }: JsonObject = { ...signed }
  return covered
}
