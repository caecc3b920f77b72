import type { RateLimit } from '../../core/call-rate.ts'
import { MatrixError } from '../../core/errors.ts'
import { isUserId, serverNameOf } from '../../core/ids.ts'
import type { ThirdPartyId } from '../../storage/accounts/third-party-ids.ts'
import { type PagedUser, type UserPage, UserPages } from '../../storage/accounts/user-pages.ts'
import type { Database, WriteStatement } from '../../storage/database.ts'
import type { Requester } from '../requester.ts'
import { type AccountChanges, checkChanges, profileOf, refuseOwnEnd } from './account-changes.ts'
import type { AccountManagement } from './account-management.ts'
import { forgetActing, startActing } from './acting.ts'
import { contactOf, contactStatements } from './administered-contacts.ts'
import { type ExternalId, externalIdInUse, externalIdStatements } from './administered-external-ids.ts'
import type { Authentication } from './authentication.ts'
import type { AccountsContext } from './context.ts'
import { threepidInUse } from './email-refusals.ts'
import type { Profiles } from './profiles.ts'
import type { Registration } from './registration.ts'
import { newUserId, refuseUnavailable } from './usernames.ts'

/** Accounts as administrators see, make and change them, in the terms of the tools that they use for it. */
export class AdministeredAccounts {
  readonly #context: AccountsContext
  readonly #authentication: Authentication
  readonly #management: AccountManagement
  readonly #registration: Registration
  readonly #profiles: Profiles
  readonly #pages: UserPages

  constructor(
    context: AccountsContext,
    parts: {
      database: Database
      authentication: Authentication
      management: AccountManagement
      registration: Registration
      profiles: Profiles
    },
  ) {
    this.#context = context
    this.#authentication = parts.authentication
    this.#management = parts.management
    this.#registration = parts.registration
    this.#profiles = parts.profiles
    this.#pages = new UserPages(parts.database)
  }

  /** A page of the accounts, and how many there are. Reads all of them. */
  async page(wanted: UserPage): Promise<{ users: PagedUser[]; total: number }> {
    await this.#authentication.lastSeen.flush()
    return this.#pages.page(wanted)
  }

  /**
   * One account, also a deactivated one.
   * @throws {MatrixError} `M_INVALID_PARAM`: this is no user ID of this server; `M_NOT_FOUND`
   */
  async one(userId: string): Promise<PagedUser> {
    this.#checkLocal(userId)
    const user = await this.#pages.one(userId)
    if (user === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no such user.')
    return user
  }

  /** The same, with when they were last seen as it is now. @throws {MatrixError} as `one` */
  async latest(userId: string): Promise<PagedUser> {
    await this.#authentication.lastSeen.flush()
    return this.one(userId)
  }

  /** Refuses a user name that an account cannot get. @throws {MatrixError} `M_INVALID_USERNAME`, `M_EXCLUSIVE`, `M_USER_IN_USE` */
  async checkFree(username: string): Promise<void> {
    await refuseUnavailable(this.#context, newUserId(username, this.#context.options.serverName))
  }

  /** Whose account a third-party identifier was added to. @throws {MatrixError} `M_NOT_FOUND` */
  async ownerOf(id: ThirdPartyId): Promise<string> {
    const known = contactOf(id)
    const owner = known && (await this.#context.read.threepids.owner(known))
    if (owner === undefined) throw new MatrixError('M_NOT_FOUND', 'This identifier is nobody’s here.')
    return owner
  }

  /** By which accounts elsewhere a user signs in. */
  async externalIds(userId: string): Promise<ExternalId[]> {
    const all = await this.#context.read.providerAccounts.ofUser(userId)
    return all.map(({ provider, subject }) => ({ auth_provider: provider, external_id: subject }))
  }

  /** Who signs in by an account elsewhere. @throws {MatrixError} `M_NOT_FOUND` */
  async ownerOfExternalId({ auth_provider: provider, external_id: subject }: ExternalId): Promise<string> {
    const owner = await this.#context.read.providerAccounts.owner({ provider, subject })
    if (owner === undefined) throw new MatrixError('M_NOT_FOUND', 'Nobody signs in by this account.')
    return owner
  }

  /**
   * Changes an account, or makes it if there is none. What is wrong is found before anything is changed.
   *
   * @returns whether it was made
   * @throws {MatrixError} `M_INVALID_PARAM`, `M_BAD_JSON`, `M_WEAK_PASSWORD`, `M_INVALID_USERNAME`, `M_THREEPID_IN_USE`;
   *   `M_UNKNOWN` (409): a deactivated account that is still leaving its rooms is not given back; somebody else signs in by an account
   */
  async put(requester: Requester, userId: string, changes: AccountChanges): Promise<boolean> {
    this.#checkLocal(userId)
    await checkChanges(this.#context, requester, userId, changes)
    const present = await this.#pages.one(userId)
    if (present === undefined) {
      await this.#make(userId, changes)
      return true
    }
    const isGone = present.deactivatedTs !== undefined && changes.deactivated !== false
    if (isGone && typeof changes.password === 'string')
      throw new MatrixError('M_INVALID_PARAM', 'A deactivated account has no password: give it back first.')
    await this.#change(present, changes)
    return false
  }

  /** Gives or takes an administrator's rights. @throws {MatrixError} as `one`; `M_INVALID_PARAM`: one's own */
  async setAdmin(requester: Requester, userId: string, isAdmin: boolean): Promise<void> {
    refuseOwnEnd(requester, userId, isAdmin)
    await this.one(userId)
    await this.#commit(userId, [this.#context.write.users.setFlag(userId, 'is_admin', isAdmin)])
  }

  /** Suspends an account, has what it sends reach nobody, or ends that. @throws {MatrixError} as `one` */
  async set(userId: string, flag: 'is_suspended' | 'is_shadow_banned', value: boolean): Promise<void> {
    await this.one(userId)
    await this.#commit(userId, [this.#context.write.users.setFlag(userId, flag, value)])
  }

  /** How many events a user may send in place of the settings; `undefined`: as the settings say. @throws {MatrixError} as `one` */
  async messageLimit(userId: string): Promise<RateLimit | undefined> {
    await this.one(userId)
    return this.#context.read.users.messageLimit(userId)
  }

  /** Sets it; 0 per second: nothing of the user's is limited. @throws {MatrixError} as `one` */
  async limitMessages(userId: string, limit: RateLimit | undefined): Promise<void> {
    await this.one(userId)
    await this.#commit(userId, [this.#context.write.users.limitMessages(userId, limit)])
  }

  /** A token by which an administrator acts as a user: see `startActing`. @throws {MatrixError} as `one` and `startActing` */
  async actAs(requester: Requester, userId: string, expiresTs: number | undefined): Promise<string> {
    await this.one(userId)
    return startActing(this.#context, requester.userId, { userId, expiresTs })
  }

  #checkLocal(userId: string): void {
    if (isUserId(userId) && serverNameOf(userId) === this.#context.options.serverName) return
    throw new MatrixError('M_INVALID_PARAM', 'This is no user of this server.')
  }

  async #make(userId: string, changes: AccountChanges): Promise<void> {
    const { serverName } = this.#context.options
    // What would be made is another: user names have no capitals.
    if (newUserId(userId.slice(1, -serverName.length - 1), serverName) !== userId)
      throw new MatrixError(
        'M_INVALID_USERNAME',
        'User names consist of small letters, digits and . _ = - / +',
      )
    const { password, admin, displayname, ...others } = changes
    await this.#registration.createUser({
      username: userId,
      password: password ?? undefined,
      isAdmin: admin === true,
      displayName: displayname ?? undefined,
    })
    await this.#change(await this.one(userId), others)
  }

  async #change(user: PagedUser, changes: AccountChanges): Promise<void> {
    const { userId } = user
    const { password, logout_devices: logoutDevices = true, admin, deactivated, locked } = changes
    const { write } = this.#context
    if (deactivated === false && user.deactivatedTs !== undefined) await this.#activate(userId)
    for (const [key, value] of profileOf(changes))
      await this.#profiles.setField({ userId, isGuest: false }, key, { [key]: value ?? '' })
    await this.#commit(userId, [
      ...(await contactStatements(this.#context, userId, changes.threepids)),
      ...(await externalIdStatements(this.#context, userId, changes.external_ids)),
      ...(admin === undefined ? [] : [write.users.setFlag(userId, 'is_admin', admin)]),
      ...(locked === undefined ? [] : [write.users.setFlag(userId, 'is_locked', locked)]),
      ...(changes.user_type === undefined
        ? []
        : [write.users.setType(userId, changes.user_type ?? undefined)]),
    ])
    if (typeof password === 'string') await this.#management.setPassword(userId, password, { logoutDevices })
    if (deactivated === true && user.deactivatedTs === undefined)
      await this.#management.deactivate(userId, { erase: false })
  }

  async #activate(userId: string): Promise<void> {
    const result = await this.#context.commit([this.#context.write.users.activate(userId)])
    if (result.ok) return
    throw new MatrixError('M_UNKNOWN', 'The account is still leaving its rooms: try again in a minute.', {
      status: 409,
    })
  }

  async #commit(userId: string, statements: readonly WriteStatement[]): Promise<void> {
    if (statements.length === 0) return
    const result = await this.#context.commit(statements)
    if (!result.ok && result.guard === 'threepid-in-use') throw threepidInUse()
    if (!result.ok && result.guard === 'already-linked') throw externalIdInUse()
    if (!result.ok) throw new MatrixError('M_NOT_FOUND', 'There is no such user.')
    await this.#authentication.forget(userId)
    await forgetActing(this.#context, this.#authentication, userId)
  }
}
