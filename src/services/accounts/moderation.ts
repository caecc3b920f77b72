import { MatrixError } from '../../core/errors.ts'
import { isUserId, serverNameOf } from '../../core/ids.ts'
import type { User } from '../../storage/accounts/users.ts'
import type { Requester } from '../requester.ts'
import type { Authentication } from './authentication.ts'
import type { AccountsContext } from './context.ts'

/** What administrators see of accounts and do to them (client-server API, "Account moderation", "Server administration"). */
export class Moderation {
  readonly #context: AccountsContext
  readonly #authentication: Authentication

  constructor(context: AccountsContext, authentication: Authentication) {
    this.#context = context
    this.#authentication = authentication
  }

  /**
   * Whether an account is locked or suspended.
   * @throws {MatrixError} `M_FORBIDDEN`: not an administrator, or about one; `M_INVALID_PARAM`; `M_NOT_FOUND`
   */
  async status(requester: Requester, userId: string): Promise<{ locked: boolean; suspended: boolean }> {
    const { isLocked, isSuspended } = await this.#target(requester, userId, { orThemselves: true })
    return { locked: isLocked, suspended: isSuspended }
  }

  /**
   * Locks or suspends an account, or ends that. It counts from the next request on; sessions stay.
   * @throws {MatrixError} as `status`
   */
  async set(
    requester: Requester,
    userId: string,
    flag: 'is_locked' | 'is_suspended',
    value: boolean,
  ): Promise<void> {
    await this.#target(requester, userId)
    const result = await this.#context.commit([this.#context.write.users.setFlag(userId, flag, value)])
    if (!result.ok) throw noSuchUser()
    await this.#authentication.forget(userId)
  }

  /**
   * The devices of a user, and from where they were last heard of. "This API may be restricted to only be called by the
   * user being looked up, or by a server admin."
   *
   * @throws {MatrixError} `M_FORBIDDEN`, `M_INVALID_PARAM`, `M_NOT_FOUND`
   */
  async whoIs(requester: Requester, userId: string) {
    if (requester.userId !== userId) this.#refuseOthers(requester, userId)
    const { read } = this.#context
    if ((await read.users.byId(userId)) === undefined) throw noSuchUser()
    const { lastSeen } = this.#authentication
    const devices = (await read.devices.byUser(userId)).map(device => lastSeen.newest(userId, device))
    const connection = ({ lastSeenIp, lastSeenTs, lastSeenUserAgent }: (typeof devices)[number]) => ({
      ...(lastSeenIp === undefined ? {} : { ip: lastSeenIp }),
      ...(lastSeenTs === undefined ? {} : { last_seen: lastSeenTs }),
      ...(lastSeenUserAgent === undefined ? {} : { user_agent: lastSeenUserAgent }),
    })
    return {
      user_id: userId,
      devices: Object.fromEntries(
        devices.map(device => [device.deviceId, { sessions: [{ connections: [connection(device)] }] }]),
      ),
    }
  }

  /** "Servers MUST ensure that authorisation is checked prior to trying to do account lookups." */
  #refuseOthers(requester: Requester, userId: string): void {
    if (!requester.isAdmin) {
      throw new MatrixError('M_FORBIDDEN', 'Only administrators of this server can do this.')
    }
    if (!isUserId(userId) || serverNameOf(userId) !== this.#context.options.serverName) {
      throw new MatrixError('M_INVALID_PARAM', 'This is no user of this server.')
    }
  }

  async #target(requester: Requester, userId: string, { orThemselves = false } = {}): Promise<User> {
    this.#refuseOthers(requester, userId)
    const user = await this.#context.read.users.byId(userId)
    if (user === undefined || user.deactivatedTs !== undefined) throw noSuchUser()
    const isAllowed = orThemselves && userId === requester.userId
    if (user.isAdmin && !isAllowed) throw new MatrixError('M_FORBIDDEN', 'This is an administrator.')
    return user
  }
}

const noSuchUser = (): MatrixError => new MatrixError('M_NOT_FOUND', 'There is no such user.')
