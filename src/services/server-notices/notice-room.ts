import { MatrixError } from '../../core/errors.ts'
import { ServerNoticeReader, ServerNoticeWriter } from '../../storage/rooms/server-notices.ts'
import type { Accounts } from '../accounts/index.ts'
import type { RoomCore, RoomServices } from '../rooms/index.ts'
import { ClaimLost } from '../rooms/room-creator.ts'

/** How the rooms look. */
export interface NoticeRoomOptions {
  /** The user ID of who writes. */
  readonly sender: string
  readonly roomName: string
  readonly avatarUrl?: string | undefined
}

const TAG = 'm.server_notice'

/** "Servers should manage exactly 1 server notices room per user." */
export class NoticeRooms {
  readonly #core: RoomCore
  readonly #rooms: RoomServices
  readonly #accounts: Accounts
  readonly #options: NoticeRoomOptions
  readonly #read: ServerNoticeReader
  readonly #write: ServerNoticeWriter

  constructor(parts: {
    core: RoomCore
    rooms: RoomServices
    accounts: Accounts
    options: NoticeRoomOptions
  }) {
    const { db } = parts.core.context
    this.#core = parts.core
    this.#rooms = parts.rooms
    this.#accounts = parts.accounts
    this.#options = parts.options
    this.#read = new ServerNoticeReader(db)
    this.#write = new ServerNoticeWriter(db)
  }

  /**
   * The room of a user, who is in it or invited: "Servers should invite the target user rather than automatically join them".
   * What they have set against invitations does not hold for this one.
   */
  async ready(userId: string): Promise<string> {
    const roomId = await this.#roomOf(userId)
    // "Servers must identify this room to clients with the `m.server_notice` tag", from the invitation on.
    await this.#accounts.tags.set(userId, roomId, TAG, {}, { isOurs: true })
    const head = await this.#core.writer.head(roomId)
    const membership = head?.memberships.get(userId)
    if (membership !== 'join' && membership !== 'invite') {
      const profile = await this.#accounts.profiles.memberProfile(userId)
      const content = { ...profile, membership: 'invite' }
      await this.#core.sender.send(roomId, {
        ...{ type: 'm.room.member', sender: this.#options.sender, stateKey: userId, content },
      })
    }
    return roomId
  }

  /**
   * "Attempting to reject the invite must result in a `M_CANNOT_LEAVE_SERVER_NOTICE_ROOM` error. Servers should not prevent the
   * user leaving the room after joining." Whose account has ended leaves everything.
   *
   * @throws {MatrixError} `M_CANNOT_LEAVE_SERVER_NOTICE_ROOM`
   */
  async checkLeave(userId: string, roomId: string): Promise<void> {
    if ((await this.#read.roomOf(userId)) !== roomId) return
    const head = await this.#core.writer.head(roomId)
    if (head?.memberships.get(userId) !== 'invite') return
    if ((await this.#accounts.find(userId)) === undefined) return
    throw new MatrixError(
      'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM',
      'The invitation to the room in which this server writes to you cannot be declined',
    )
  }

  /**
   * The room that the user has, or a new one: they have none yet, an administrator has deleted it, or the operator has given the
   * notices another sender, who is not in it.
   */
  async #roomOf(userId: string): Promise<string> {
    const before = await this.#read.roomOf(userId)
    if (before === undefined) return this.#make(userId, undefined)
    const head = await this.#core.writer.head(before)
    if (head?.memberships.get(this.#options.sender) === 'join') return before
    const roomId = await this.#make(userId, before)
    await this.#accounts.tags.remove(userId, before, TAG)
    return roomId
  }

  async #make(userId: string, before: string | undefined): Promise<string> {
    const { sender, roomName, avatarUrl } = this.#options
    const { roomCreation, roomSettings } = this.#rooms
    const room = {
      creator: sender,
      version: roomSettings.defaultVersion,
      isPublic: false,
      preset: 'private_chat' as const,
      name: roomName,
      avatarUrl,
      invite: [],
      // The server itself holds no keys.
      encryption: 'cleartext',
      creationContent: { 'm.federate': false },
      initialState: [],
      // Only the server's user writes, invites and changes anything.
      powerLevelOverride: { events_default: 50, invite: 50 },
    }
    try {
      return await roomCreation.make(room, roomId => [this.#write.claimRoom(userId, roomId, before)])
    } catch (error) {
      // Another process has made it at this moment.
      const made = error instanceof ClaimLost ? await this.#read.roomOf(userId) : undefined
      if (made === undefined) throw error
      return made
    }
  }
}
