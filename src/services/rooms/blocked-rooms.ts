import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import type { Database } from '../../storage/database.ts'
import { BlockedRoomReader, BlockedRoomWriter } from '../../storage/rooms/blocked-rooms.ts'

/** Rooms that nobody of this server gets into, nor is invited to: those of the settings, and those that administrators have blocked. */
export class BlockedRooms {
  readonly #database: Database
  readonly #clock: Clock
  readonly #settings: ReadonlySet<string>
  readonly #read: BlockedRoomReader
  readonly #write: BlockedRoomWriter

  constructor(parts: { database: Database; clock: Clock; settings: readonly string[] }) {
    this.#database = parts.database
    this.#clock = parts.clock
    this.#settings = new Set(parts.settings)
    this.#read = new BlockedRoomReader(parts.database)
    this.#write = new BlockedRoomWriter(parts.database)
  }

  /** For what is asked before joins and invitations. Throws `M_FORBIDDEN` where the room is blocked. */
  readonly refuse = async ({ roomId }: { readonly roomId: string }): Promise<void> => {
    if (this.#settings.has(roomId) || (await this.#read.blockedBy(roomId)) !== undefined)
      throw new MatrixError('M_FORBIDDEN', 'The operators of this server have blocked this room')
  }

  /** Whether a room is blocked; `by` is the user ID of the administrator, and missing for what the settings block. */
  async status(roomId: string): Promise<{ readonly isBlocked: boolean; readonly by: string | undefined }> {
    const by = await this.#read.blockedBy(roomId)
    return { isBlocked: by !== undefined || this.#settings.has(roomId), by }
  }

  /** Blocks a room, also one that is not known here. Whoever was first is remembered. */
  async block(roomId: string, by: string): Promise<void> {
    await this.#database.commit({ statements: [this.#write.block(roomId, by, this.#clock.now())] })
  }

  /** Throws `M_BAD_STATE` for what the settings block. */
  async unblock(roomId: string): Promise<void> {
    if (this.#settings.has(roomId))
      throw new MatrixError('M_BAD_STATE', 'The setting rooms.blocked blocks this room')
    await this.#database.commit({ statements: [this.#write.unblock(roomId)] })
  }
}
