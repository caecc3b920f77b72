import { MatrixError } from '../../core/errors.ts'
import { localpartOf } from '../../core/ids.ts'
import type { NewUser } from '../../storage/accounts/user-writer.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { Authentication } from './authentication.ts'
import type { AccountsContext } from './context.ts'
import { removalStatements } from './devices.ts'
import { accountLocked } from './token-issuer.ts'

/** What of a registration concerns a guest who makes it. */
export interface GuestRequest {
  readonly username?: string
  readonly device_id?: string
  readonly inhibit_login?: boolean
  readonly guest_access_token?: string
}

/**
 * "Guest users can also upgrade their account by going through the ordinary `register` flow, but specifying the
 * additional POST parameter `guest_access_token`" (module "Guest Access"): the account keeps its user ID and its rooms,
 * and becomes an ordinary one.
 */
export class GuestUpgrade {
  readonly #context: AccountsContext
  readonly #authentication: Authentication

  constructor(context: AccountsContext, authentication: Authentication) {
    this.#context = context
    this.#authentication = authentication
  }

  /**
   * The guest who registers, if it is one. "They are also required to specify the `username` parameter to the value of
   * the local part of their username."
   *
   * @throws {MatrixError} `M_FORBIDDEN`: no guest's token; `M_USER_LOCKED`; `M_MISSING_PARAM`; `M_INVALID_USERNAME`: not
   *   their user name
   */
  async of({ guest_access_token: token, username }: GuestRequest): Promise<string | undefined> {
    if (token === undefined) return undefined
    const guest = await this.#authentication.authenticate(token).catch(refuseUnknown)
    if (guest.isLocked === true) throw accountLocked()
    if (!guest.isGuest) throw notAGuest()
    const { userId } = guest
    if (username === undefined) throw new MatrixError('M_MISSING_PARAM', 'A guest has to name themselves.')
    if (username !== localpartOf(userId)) {
      throw new MatrixError('M_INVALID_USERNAME', 'A guest keeps the user name that they have.')
    }
    return userId
  }

  /**
   * The statements that make a guest an ordinary user: their old session ends, unless no new one begins or it goes on
   * under its device ID. Guard `user-in-use`: no guest (any more).
   */
  async statements(user: NewUser, request: GuestRequest): Promise<WriteStatement[]> {
    const { read, write } = this.#context
    const devices = request.inhibit_login === true ? [] : await read.devices.ids(user.userId)
    return [
      write.users.upgradeGuest(user),
      ...removalStatements(
        this.#context,
        user.userId,
        devices.filter(deviceId => deviceId !== request.device_id),
      ),
    ]
  }

  /** To be called after the commit. */
  forget(userId: string): Promise<void> {
    return this.#authentication.forget(userId)
  }
}

const notAGuest = (): MatrixError =>
  new MatrixError('M_FORBIDDEN', 'This is not the access token of a guest.')

/** `M_UNKNOWN_TOKEN` would be about the token that came with the request. */
const refuseUnknown = (error: unknown): never => {
  throw error instanceof MatrixError && error.errcode === 'M_UNKNOWN_TOKEN' ? notAGuest() : error
}
