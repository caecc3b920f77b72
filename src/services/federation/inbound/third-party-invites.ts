import { MatrixError } from '../../../core/errors.ts'
import { isRoomId, isUserId, serverNameOf } from '../../../core/ids.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { Log } from '../../../core/log.ts'
import type { FederationClient } from '../../../network/federation-client.ts'
import type { Memberships } from '../../rooms/memberships.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'
import { Slots } from '../slots.ts'
import type { MayBeInvited } from './invitations.ts'
import type { RoomGate } from './room-gate.ts'

/** What an identity server has signed: this user owns the address for which the token was given out. */
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
  readonly #log: Log

  constructor(parts: {
    writer: RoomWriter
    gate: RoomGate
    client: Pick<FederationClient, 'exchangeThirdPartyInvite'>
    mayBeInvited: MayBeInvited
    log: Log
  }) {
    this.#writer = parts.writer
    this.#gate = parts.gate
    this.#client = parts.client
    this.#mayBeInvited = parts.mayBeInvited
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

  async #take(invite: BoundInvite, by: Inviting): Promise<void> {
    const { roomId, sender, mxid, signed } = invite
    const inviter = serverNameOf(sender)
    try {
      if (inviter === this.#writer.context.serverName) await this.#invite(invite, '', by)
      else {
        await this.#client.exchangeThirdPartyInvite(inviter, roomId, {
          type: 'm.room.member',
          room_id: roomId,
          sender,
          state_key: mxid,
          content: {
            membership: 'invite',
            // The inviter's server knows by which name the room shows the address.
            third_party_invite: { display_name: '', signed: { ...signed } },
          },
        })
      }
    } catch (error) {
      this.#log.info(
        { room: roomId, sender, user: mxid, err: error },
        'a third-party invite was not exchanged',
      )
    }
  }

  /** Nothing else of what others say: it will be in our user's name. */
  async #invite({ roomId, sender, mxid, signed }: BoundInvite, asked: string, by: Inviting): Promise<void> {
    const displayName = (await this.#displayName(roomId, signed.token)) ?? asked
    const { mxid: bound, token, signatures } = signed
    await by.invite({
      sender,
      userId: mxid,
      roomId,
      content: {
        third_party_invite: { display_name: displayName, signed: { mxid: bound, token, signatures } },
      },
    })
  }

  async #displayName(roomId: string, token: string): Promise<string | undefined> {
    const nid = (await this.#writer.head(roomId))?.entry('m.room.third_party_invite', token)?.nid
    const [stored] = nid === undefined ? [] : await this.#writer.context.read.events.byNids([nid])
    const name = stored?.event.content['display_name']
    return typeof name === 'string' ? name : undefined
  }
}
