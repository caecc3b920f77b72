import { parseJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { roomEventFilter } from '../../core/filter.ts'
import { isUserId, serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import { UserReader } from '../../storage/accounts/users.ts'
import type { Requester } from '../requester.ts'
import { inviteFirst } from '../rooms/first-invitations.ts'
import type { RoomCore, RoomServices } from '../rooms/index.ts'
import type { DirectClaims } from './claims.ts'
import { powersAmong } from './new-direct-room.ts'
import { type QuotedMessage, quotedMessages, readableHistory } from './quoted-history.ts'

/** Who is to come into the conversation of two, and how much of it they are shown. */
export interface Extension {
  readonly invite: readonly string[]
  /** Messages. */
  readonly history: number
}

/** The room that was opened. */
export interface ExtendedRoom {
  readonly roomId: string
  /**
   * How history came along: `quoted`, or not at all (`none`); in encrypted rooms the server has nothing to quote, and it is
   * for clients to share the keys (`key_bundle`: client-server API, "Construction and sharing of the key bundle").
   */
  readonly history: { readonly mode: 'quoted' | 'key_bundle' | 'none'; readonly messages: number }
  /** Whose invitations could not be delivered, or not yet. */
  readonly notInvited: readonly string[]
}

const MAX_INVITED = 50
const MAX_HISTORY = 200

/** State of the new room: where it comes from. */
export const EXTENDS = 'chat.tessera.room.extends'
/** State of the old room, under the new one's ID: where the conversation also goes on. */
export const EXTENDED = 'chat.tessera.room.extended'
/** A message that quotes what was said elsewhere. */
export const HISTORY = 'chat.tessera.room.history'

/** Lets a third person into the conversation of two: in a new room, so that the two can always return to theirs. */
export class DirectExtension {
  readonly #core: RoomCore
  readonly #rooms: RoomServices
  readonly #claims: DirectClaims
  readonly #users: UserReader
  readonly #log: Log

  constructor(parts: { core: RoomCore; rooms: RoomServices; claims: DirectClaims; log: Log }) {
    this.#log = parts.log
    this.#core = parts.core
    this.#rooms = parts.rooms
    this.#claims = parts.claims
    this.#users = new UserReader(parts.core.context.db)
  }

  /**
   * Opens a room for a user, the other one of their direct room, and further people.
   *
   * Throws `M_NOT_FOUND` (it is no direct room of the user's; an invited user of this server does not exist), `M_FORBIDDEN`
   * (the user has left it), `M_INVALID_PARAM` (nobody new is invited, or not by their user IDs).
   */
  async extend(requester: Requester, roomId: string, extension: Extension): Promise<ExtendedRoom> {
    const { userId } = requester
    const row = await this.#claims.ofRoom(roomId)
    if (row === undefined || (row.pair.low !== userId && row.pair.high !== userId))
      throw new MatrixError('M_NOT_FOUND', 'This is no direct room of yours')
    const { low, high } = row.pair
    const invited = [...new Set(extension.invite)].filter(one => one !== low && one !== high)
    await this.#checkInvited(invited)
    await this.#rooms.roomReading.requireAccess(requester, roomId)
    const encryption = await this.#encryption(requester, roomId)
    const quoted = encryption === undefined ? await this.#messages(requester, roomId, extension.history) : []
    const others = [low === userId ? high : low, ...invited]
    const version = this.#rooms.roomSettings.defaultVersion
    const newRoomId = await this.#rooms.roomCreation.make({
      ...powersAmong(version, others),
      creator: userId,
      version,
      isPublic: false,
      invite: others,
      creationContent: {},
      initialState: [{ type: EXTENDS, stateKey: '', content: { room_id: roomId } }],
      // As the one that it goes on from, whose words may be quoted there.
      encryption: encryption ?? 'cleartext',
    })
    await this.#quote(userId, { from: roomId, to: newRoomId }, quoted)
    const notInvited = await this.#invite(userId, newRoomId, others)
    await this.#point(userId, roomId, newRoomId)
    const wanted = extension.history > 0
    const mode = encryption !== undefined && wanted ? 'key_bundle' : quoted.length > 0 ? 'quoted' : 'none'
    return { roomId: newRoomId, history: { mode, messages: quoted.length }, notInvited }
  }

  async #checkInvited(invited: readonly string[]): Promise<void> {
    if (invited.length === 0) throw new MatrixError('M_INVALID_PARAM', 'Somebody else has to be invited')
    if (invited.length > MAX_INVITED)
      throw new MatrixError('M_INVALID_PARAM', `At most ${MAX_INVITED} people may be invited`)
    const bad = invited.find(one => !isUserId(one))
    if (bad !== undefined) throw new MatrixError('M_INVALID_PARAM', `${bad} is not a user ID`)
    const local = invited.filter(one => serverNameOf(one) === this.#core.context.serverName)
    const existing = await this.#users.existing(local)
    const missing = local.find(one => !existing.has(one))
    if (missing !== undefined) throw new MatrixError('M_NOT_FOUND', `There is no user ${missing}`)
  }

  async #encryption(requester: Requester, roomId: string): Promise<string | undefined> {
    const point = { roomId, type: 'm.room.encryption', stateKey: '', format: 'content' } as const
    try {
      const { algorithm } = await this.#rooms.roomReading.stateEvent(requester, point)
      return typeof algorithm === 'string' ? algorithm : undefined
    } catch (error) {
      if (error instanceof MatrixError && error.errcode === 'M_NOT_FOUND') return undefined
      throw error
    }
  }

  /** What the user sees of the room themselves, and nothing else. */
  async #messages(requester: Requester, roomId: string, limit: number): Promise<QuotedMessage[]> {
    if (limit <= 0) return []
    const { chunk } = await this.#rooms.roomHistory.messages(requester, roomId, {
      direction: 'b',
      limit: Math.min(limit, MAX_HISTORY),
      filter: roomEventFilter({ types: ['m.room.message'] }),
    })
    return quotedMessages(chunk.map(text => parseJson(text) as JsonObject))
  }

  async #quote(
    sender: string,
    rooms: { readonly from: string; readonly to: string },
    messages: readonly QuotedMessage[],
  ): Promise<void> {
    if (messages.length === 0) return
    const fallback = {
      msgtype: 'm.notice',
      body: `What was said before:\n${readableHistory(messages)}`,
      // Clients that show the quotations leave this out.
      'chat.tessera.fallback': HISTORY,
    }
    await this.#core.sender.sendAll(rooms.to, [
      { type: HISTORY, sender, content: { room_id: rooms.from, messages: [...messages] } },
      { type: 'm.room.message', sender, content: fallback },
    ])
  }

  /** Answers who is not invited, as far as is known in time. */
  async #invite(sender: string, roomId: string, users: readonly string[]): Promise<string[]> {
    const { clock, serverName } = this.#core.context
    const { invited, failed } = await inviteFirst(users, {
      ...{ clock, serverName },
      invite: userId => this.#rooms.memberships.invite({ sender, userId, roomId }),
      failedLate: (userId, error) =>
        this.#log.info({ room: roomId, user: userId, err: error }, 'invitation not delivered'),
    })
    const fault = failed.values().find(error => !(error instanceof MatrixError))
    if (fault !== undefined) throw fault
    return users.filter(userId => !invited.includes(userId))
  }

  /** In rooms that others have made, the user may lack the power to set state: then a message says it. */
  async #point(sender: string, roomId: string, newRoomId: string): Promise<void> {
    const event = { type: EXTENDED, sender, content: { room_id: newRoomId } }
    try {
      await this.#core.sender.send(roomId, { ...event, stateKey: newRoomId })
    } catch (error) {
      if (!(error instanceof MatrixError) || error.errcode !== 'M_FORBIDDEN') throw error
      await this.#core.sender.send(roomId, event)
    }
  }
}
