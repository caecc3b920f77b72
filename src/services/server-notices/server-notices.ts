import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import type { DueRows, HeldRow } from '../../storage/due-rows.ts'
import { SERVER_NOTICES, ServerNoticeReader, ServerNoticeWriter } from '../../storage/rooms/server-notices.ts'
import type { Accounts } from '../accounts/index.ts'
import { DueWork } from '../due-work.ts'
import type { RoomCore, RoomServices } from '../rooms/index.ts'
import { GuardFailed } from '../rooms/room-writer.ts'
import { type Notice, NoticeQueue } from './notice-queue.ts'
import { type NoticeRoomOptions, NoticeRooms } from './notice-room.ts'

export interface ServerNoticesOptions extends NoticeRoomOptions {
  readonly displayName: string
}

/** Tells users what this server has to tell them, each in a room of their own (client-server API, "Server Notices"). */
export class ServerNotices {
  readonly #core: RoomCore
  readonly #accounts: Accounts
  readonly #options: ServerNoticesOptions
  readonly #log: Log
  readonly #queue: NoticeQueue
  readonly #rooms: NoticeRooms
  readonly #read: ServerNoticeReader
  readonly #write: ServerNoticeWriter
  readonly #due: DueWork
  #starting = Promise.resolve()

  constructor(parts: {
    core: RoomCore
    rooms: RoomServices
    accounts: Accounts
    options: ServerNoticesOptions
    log: Log
  }) {
    const { core, rooms, log, options } = parts
    const { db: database, clock, random } = core.context
    this.#core = core
    this.#accounts = parts.accounts
    this.#options = options
    this.#log = log
    this.#queue = new NoticeQueue({ database, clock, random, sender: options.sender })
    this.#rooms = new NoticeRooms(parts)
    this.#read = new ServerNoticeReader(database)
    this.#write = new ServerNoticeWriter(database)
    this.#due = new DueWork({
      ...{ database, clock, log, table: SERVER_NOTICES },
      perform: (row, rows) => this.#deliver(row, rows),
    })
    core.views.invitePolicies.exempt.add(options.sender)
    rooms.memberships.leaveChecks.push(({ userId, roomId }) => this.#rooms.checkLeave(userId, roomId))
  }

  /** Makes the account that writes, so that nobody else registers it, and goes on with what was not delivered yet. */
  start(): void {
    this.#starting = this.#prepare()
      .catch(error => this.#log.error({ err: error }, 'the user of the server notices could not be set up'))
      .then(() => this.#due.start())
  }

  async close(): Promise<void> {
    await this.#starting
    await this.#due.close()
  }

  /**
   * Tells a user something; it survives restarts until it is delivered.
   * @throws {MatrixError} as `NoticeQueue.toUser`
   */
  async send(userId: string, notice: Notice): Promise<void> {
    this.#due.expect(await this.#queue.toUser(userId, notice))
  }

  /**
   * Writes to a user at once, whatever an administrator wants them told.
   *
   * @param event.stateKey makes it a state event.
   * @param transaction the same again is not sent again.
   * @returns the event ID.
   * @throws {MatrixError} `M_NOT_FOUND`: no such account; and as `RoomSender.send`
   */
  async write(
    userId: string,
    event: { readonly type: string; readonly stateKey: string | undefined; readonly content: JsonObject },
    transaction: { readonly by: string; readonly txnId: string } | undefined,
  ): Promise<string> {
    const { sender } = this.#options
    if (userId === sender || (await this.#accounts.find(userId)) === undefined)
      throw new MatrixError('M_NOT_FOUND', `There is no account ${userId} that could be written to`)
    const roomId = await this.#rooms.ready(userId)
    const { type, stateKey, content } = event
    const template = { type, sender, content, ...(stateKey === undefined ? {} : { stateKey }) }
    const key = transaction && {
      ...{ userId: sender, deviceId: '', scope: `notice by ${transaction.by} to ${userId}` },
      txnId: transaction.txnId,
    }
    return (await this.#core.sender.send(roomId, template, key && { transaction: key })).eventId
  }

  async #prepare(): Promise<void> {
    const { sender, displayName, avatarUrl } = this.#options
    await this.#accounts.ensureUser(sender)
    const owner = { userId: sender, isGuest: false }
    await this.#accounts.profiles.setField(owner, 'displayname', { displayname: displayName })
    await this.#accounts.profiles.setField(owner, 'avatar_url', { avatar_url: avatarUrl ?? '' })
  }

  async #deliver(row: HeldRow, rows: DueRows): Promise<void> {
    const notice = await this.#read.notice(row.key)
    if (notice === undefined) return
    const done = [rows.stillHeld(row), this.#write.remove(row.key)]
    const { userId } = notice
    try {
      if ((await this.#accounts.find(userId)) === undefined) {
        throw new MatrixError('M_USER_DEACTIVATED', 'The account has been deactivated')
      }
      const roomId = await this.#rooms.ready(userId)
      const content = JSON.parse(notice.content) as JsonObject
      const template = { type: 'm.room.message', sender: this.#options.sender, content }
      await this.#core.sender.send(roomId, template, { statements: done })
    } catch (error) {
      // Another process has sent it at this moment.
      if (error instanceof GuardFailed) return
      if (!(error instanceof MatrixError) || error.status >= 500 || error.errcode === 'M_LIMIT_EXCEEDED') {
        throw error
      }
      this.#log.warn({ user: userId, err: error }, 'a server notice could not be delivered')
      await this.#core.context.db.commit({ statements: done })
    }
  }
}
