import { MatrixError } from '../../core/errors.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { Requester } from '../requester.ts'
import { endActing } from './acting.ts'
import type { Authentication } from './authentication.ts'
import type { AccountsContext } from './context.ts'
import { type Devices, removalStatements } from './devices.ts'
import { type ConfirmableRequest, type InteractiveBody, operationOf } from './interactive-attempt.ts'
import { accountLocked } from './token-issuer.ts'
import type { UserInteractive } from './user-interactive.ts'
import { signsIn, waysToConfirm } from './ways-to-confirm.ts'

/** What else becomes of an account with a new password. */
interface PasswordChange {
  /** Whether all devices but `keepDevice` are removed. */
  readonly logoutDevices: boolean
  readonly keepDevice?: string | undefined
}

/** How many interrupted deactivations are looked up at once. */
const RESUME_BATCH = 100

/** Password, log-out and deactivation (client-server API, "Account management" of the legacy API). */
export class AccountManagement {
  readonly #context: AccountsContext
  readonly #authentication: Authentication
  readonly #devices: Devices
  readonly #interactive: UserInteractive
  /** Users who are being made to leave their rooms. */
  readonly #leaving = new Set<string>()
  /** The last user whose deactivation the round before has gone on with: those after them are next. */
  #resumedUpTo = ''

  constructor(
    context: AccountsContext,
    parts: { authentication: Authentication; devices: Devices; interactive: UserInteractive },
  ) {
    this.#context = context
    this.#authentication = parts.authentication
    this.#devices = parts.devices
    this.#interactive = parts.interactive
  }

  /**
   * Has the user confirm a request with their password, or with an account that they have elsewhere, by user-interactive authentication. Application services
   * need not for users who have neither, which nobody signs in as. Without an access token the password stage says who it is.
   *
   * @param options.exceptServices whether they need not for anybody: what they look after of the devices and keys of people on whose behalf
   *   they act, too (application-service API, "Deleting devices", "Cross-signing")
   * @param options.singleUse whether one confirmation is good for one request
   * @param options.orByEmail whether an address of the account will do instead
   * @returns the user
   * @throws {MatrixError} the interactive challenge; `M_USER_LOCKED`; `M_FORBIDDEN`: a token of the OAuth 2.0 API
   */
  async confirm(
    requester: Requester | undefined,
    request: ConfirmableRequest,
    body: InteractiveBody,
    options: { exceptServices?: boolean; singleUse?: boolean; orByEmail?: boolean } = {},
  ): Promise<string> {
    const { exceptServices = false, singleUse = false, orByEmail = false } = options
    if (requester?.appServiceId !== undefined) {
      if (exceptServices || !(await signsIn(this.#context, requester.userId))) return requester.userId
    }
    // "The endpoints that depend on it for authentication can't be used when an access token is obtained with this API."
    if (requester?.oauthClientId !== undefined) throw onlyInBrowser()
    const known = requester?.userId
    const { userId } = await this.#interactive.require({
      operation: operationOf(request),
      body,
      userId: known,
      flows: [
        ...(await waysToConfirm(this.#context, known)),
        ...(orByEmail ? [['m.login.email.identity']] : []),
      ],
      emailFor: 'password',
      binding: 'request',
      singleUse,
    })
    if (userId === undefined) throw new MatrixError('M_FORBIDDEN', 'The authentication named no user.')
    // With an access token it was judged before.
    if (requester === undefined && (await this.#context.read.users.byId(userId))?.isLocked)
      throw accountLocked()
    return userId
  }

  /** Refuses passwords that nobody may have. @throws {MatrixError} `M_WEAK_PASSWORD`, `M_INVALID_PARAM`; `M_FORBIDDEN`: nobody has one */
  checkPassword(password: string): void {
    if (!this.#context.options.sessions.passwords) {
      throw new MatrixError('M_FORBIDDEN', 'Nobody signs in with a password here.')
    }
    this.#context.passwords.check(password)
  }

  /**
   * Sets a user's password.
   * @throws {MatrixError} `M_WEAK_PASSWORD`, `M_INVALID_PARAM`, `M_NOT_FOUND`; `M_LIMIT_EXCEEDED`: too many are being hashed
   */
  async setPassword(userId: string, password: string, options: PasswordChange): Promise<void> {
    const { passwords } = this.#context
    passwords.check(password)
    await this.setHashed(userId, await passwords.hash(password), options)
  }

  /** The same with a hash of the password. @throws {MatrixError} `M_NOT_FOUND` */
  async setHashed(
    userId: string,
    hash: string,
    { logoutDevices, keepDevice }: PasswordChange,
  ): Promise<void> {
    const { read, write } = this.#context
    const deviceIds = logoutDevices ? await read.devices.ids(userId) : []
    const removed = deviceIds.filter(deviceId => deviceId !== keepDevice)
    const result = await this.#context.commit([
      write.users.setPassword(userId, hash),
      ...removalStatements(this.#context, userId, removed),
    ])
    if (!result.ok) throw new MatrixError('M_NOT_FOUND', 'There is no such account.')
    await this.#authentication.forget(userId)
    if (logoutDevices) await endActing(this.#context, this.#authentication, userId)
    // A login that was verified with the old password may have slipped in before the commit.
    if (logoutDevices) await this.#removeLaterDevices(userId, deviceIds)
  }

  /** Ends the session of a requester: their access token, and their device if it has one. */
  async logout(
    requester: Pick<Requester, 'userId' | 'deviceId' | 'tokenId' | 'appServiceId'>,
  ): Promise<void> {
    const { userId, deviceId, tokenId, appServiceId } = requester
    if (deviceId !== undefined) return this.#devices.remove(userId, [deviceId])
    if (appServiceId !== undefined) return
    await this.#context.commit([this.#context.write.tokens.drop(tokenId)])
    await this.#authentication.forget(userId)
  }

  /**
   * Deactivates an account for good: nobody can log in to it or register it again. Its rooms are left by the hook
   * `onDeactivate`, which `resume` calls again if it failed or was interrupted.
   *
   * @throws {MatrixError} `M_NOT_FOUND`: no active account
   */
  async deactivate(userId: string, { erase }: { erase: boolean }): Promise<void> {
    const { clock, read, write } = this.#context
    const deviceIds = await read.devices.ids(userId)
    const result = await this.#context.commit([
      write.users.deactivate(userId, erase, clock.now()),
      ...(await this.#endOf(userId, deviceIds, erase)),
    ])
    if (!result.ok && result.guard === 'profile-changed') return this.deactivate(userId, { erase })
    if (!result.ok) throw new MatrixError('M_NOT_FOUND', 'There is no such account.')
    await this.#authentication.forget(userId)
    await endActing(this.#context, this.#authentication, userId)
    await this.#removeLaterDevices(userId, deviceIds)
    await this.#cleanUp(userId, erase)
  }

  /** Has what is left of a deactivated account erased; one that is erased already stays so. */
  async erase(userId: string): Promise<void> {
    await this.#context.commit([this.#context.write.users.erase(userId)])
    if (await this.#context.read.users.isCleanupPending(userId)) await this.#goOn(userId, true)
  }

  /**
   * Goes on with some of the deactivations that a failure, crash or stop has interrupted, or that a command has begun, each time with
   * the next, and removes devices that a command has logged out.
   */
  async resume(): Promise<void> {
    const { read, write } = this.#context
    const pending = await read.users.pendingCleanups(this.#resumedUpTo, RESUME_BATCH)
    // Those that cannot be finished must not keep the others waiting.
    this.#resumedUpTo = pending.length < RESUME_BATCH ? '' : (pending.at(-1)?.userId ?? '')
    for (const { userId, erase } of pending) await this.#goOn(userId, erase)
    for (const userId of await read.users.pendingLogouts(RESUME_BATCH)) {
      await this.#authentication.forget(userId)
      await this.#devices.remove(userId, await read.devices.withoutTokens(userId))
      await this.#context.commit([write.users.cleanedUp(userId, 'logout')])
    }
  }

  async #goOn(userId: string, erase: boolean): Promise<void> {
    try {
      const deviceIds = await this.#context.read.devices.ids(userId)
      const ended = await this.#context.commit(await this.#endOf(userId, deviceIds, erase))
      // The profile was being changed: in a later round.
      if (!ended.ok) return
      await this.#authentication.forget(userId)
      await endActing(this.#context, this.#authentication, userId)
      await this.#cleanUp(userId, erase)
    } catch (error) {
      this.#context.onError(error)
    }
  }

  /** What goes with an account. */
  async #endOf(userId: string, deviceIds: readonly string[], erase: boolean): Promise<WriteStatement[]> {
    const { hooks, read, write } = this.#context
    const profile = erase ? await read.profiles.byUser(userId) : undefined
    return [
      write.threepids.deleteAll(userId),
      ...write.providerAccounts.deleteAll(userId),
      write.threadSubscriptions.deleteAll(userId),
      ...removalStatements(this.#context, userId, deviceIds),
      ...(hooks.onAccountEnd?.(userId) ?? []),
      ...(erase ? [write.accountData.deleteAll(userId), write.filters.deleteAll(userId)] : []),
      ...(profile === undefined
        ? []
        : [
            write.profiles.update(userId, profile, {
              displayname: undefined,
              avatarUrl: undefined,
              fields: {},
            }),
          ]),
    ]
  }

  async #cleanUp(userId: string, erase: boolean): Promise<void> {
    const { hooks } = this.#context
    // Who cannot leave rooms now (a command line beside the server) leaves it to the next start.
    if (hooks.onDeactivate === undefined || this.#leaving.has(userId)) return
    this.#leaving.add(userId)
    try {
      await hooks.onDeactivate(userId, { erase })
      await this.#context.commit([this.#context.write.users.cleanedUp(userId, 'deactivation')])
    } catch (error) {
      this.#context.onError(error)
    } finally {
      this.#leaving.delete(userId)
    }
  }

  async #removeLaterDevices(userId: string, known: readonly string[]): Promise<void> {
    const later = (await this.#context.read.devices.ids(userId)).filter(deviceId => !known.includes(deviceId))
    await this.#devices.remove(userId, later)
  }
}

const onlyInBrowser = (): MatrixError =>
  new MatrixError(
    'M_FORBIDDEN',
    'A session of the OAuth 2.0 API cannot do this: open the account management page in a browser.',
  )
