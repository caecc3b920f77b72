import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { fitsBytes } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { UserReader } from '../../storage/accounts/users.ts'
import type { Database } from '../../storage/database.ts'
import { ServerNoticeWriter } from '../../storage/rooms/server-notices.ts'

/** An event has at most 64 KiB; the rest of it needs some. */
const MAX_CONTENT_BYTES = 60_000

/** What a notice without a type of its own is: the specification has only one, for limits that were reached. */
const PLAIN = 'chat.tessera.notice'

/** What a user is to be told. */
export interface Notice {
  readonly body: string
  /** `server_notice_type`; by default a plain message of the operators. */
  readonly type?: string
  /** What goes with the type, such as `limit_type` and `admin_contact`. */
  readonly details?: JsonObject
}

/** Stores notices, for the server that runs on this database to deliver. */
export class NoticeQueue {
  readonly #database: Database
  readonly #clock: Clock
  readonly #random: (size: number) => Uint8Array
  readonly #sender: string
  readonly #users: UserReader
  readonly #write: ServerNoticeWriter

  /** `sender` is the user ID of who writes them. */
  constructor(parts: {
    database: Database
    clock: Clock
    random: (size: number) => Uint8Array
    sender: string
  }) {
    this.#database = parts.database
    this.#clock = parts.clock
    this.#random = parts.random
    this.#sender = parts.sender
    this.#users = new UserReader(parts.database)
    this.#write = new ServerNoticeWriter(parts.database)
  }

  /**
   * Stores a notice for one user.
   * @returns when it is due, in milliseconds
   * @throws {MatrixError} `M_NOT_FOUND`: no such active account; `M_INVALID_PARAM`, `M_TOO_LARGE`
   */
  async toUser(userId: string, notice: Notice): Promise<number> {
    const content = contentOf(notice)
    const user = await this.#users.byId(userId)
    if (user === undefined || user.deactivatedTs !== undefined || userId === this.#sender) {
      throw new MatrixError('M_NOT_FOUND', `There is no account ${userId} that could be written to`)
    }
    const at = this.#clock.now()
    await this.#database.commit({ statements: [this.#write.add(this.#id(), { userId, content }, at)] })
    return at
  }

  /**
   * Stores a notice for everybody.
   * @returns for how many
   * @throws {MatrixError} `M_INVALID_PARAM`, `M_TOO_LARGE`
   */
  async toAll(notice: Notice): Promise<number> {
    const stored = { sender: this.#sender, content: contentOf(notice) }
    const statement = this.#write.addForAll(this.#id(), stored, this.#clock.now())
    const result = await this.#database.commit({ statements: [statement] })
    return result.ok ? (result.returned['audience'] ?? []).length : 0
  }

  #id(): string {
    return Buffer.from(this.#random(12)).toString('base64url')
  }
}

/** "Notices are sent to the client as normal `m.room.message` events with a `msgtype` of `m.server_notice`." */
const contentOf = ({ body, type = PLAIN, details = {} }: Notice): string => {
  if (body.trim() === '' || !body.isWellFormed()) {
    throw new MatrixError('M_INVALID_PARAM', 'A notice needs a text')
  }
  const content = JSON.stringify({ ...details, msgtype: 'm.server_notice', server_notice_type: type, body })
  if (fitsBytes(content, MAX_CONTENT_BYTES)) return content
  throw new MatrixError('M_TOO_LARGE', `A notice has at most ${MAX_CONTENT_BYTES} bytes`)
}
