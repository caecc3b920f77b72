import { MatrixError } from '../../../core/errors.ts'
import type { ProviderAccount } from '../../../storage/accounts/provider-accounts.ts'
import type { AccountsContext } from '../context.ts'
import type { UserInteractive } from '../user-interactive.ts'
import type { ProviderOptions } from './options.ts'

/** The stage of user-interactive authentication that is passed with an account elsewhere. */
export const SSO_STAGE = 'm.login.sso'

/** So often it is looked again at an account that changes while it is looked at. */
const MAX_ATTEMPTS = 5

/** A provider, and whether somebody signs in with it. */
export interface ShownProvider extends Pick<ProviderOptions, 'id' | 'name'> {
  readonly isLinked: boolean
}

/** The accounts elsewhere that users have, and what they show with them. */
export class LinkedAccounts {
  readonly #context: AccountsContext
  readonly #interactive: UserInteractive

  constructor(context: AccountsContext, interactive: UserInteractive) {
    this.#context = context
    this.#interactive = interactive
  }

  /** The providers that there are, for a user. */
  async of(userId: string): Promise<ShownProvider[]> {
    const linked = await this.#context.read.providerAccounts.providersOf(userId)
    return this.#context.providers.map(({ options: { id, name } }) => ({
      ...{ id, name },
      isLinked: linked.includes(id),
    }))
  }

  /** With which of them the owner of a session of user-interactive authentication can pass the stage, and what it is for. */
  async forStage(
    sessionId: string,
  ): Promise<
    { operation: string; isDone: boolean; providers: Pick<ProviderOptions, 'id' | 'name'>[] } | undefined
  > {
    const session = await this.#interactive.session(sessionId)
    if (session?.userId === undefined || !session.flows.some(flow => flow.includes(SSO_STAGE)))
      return undefined
    const all = await this.of(session.userId)
    const linked = all.filter(({ isLinked }) => isLinked)
    return {
      operation: session.operation,
      isDone: session.completed.includes(SSO_STAGE),
      providers: linked.length > 0 ? linked : all,
    }
  }

  /**
   * Passes the stage of a session for whoever has shown that an account elsewhere is theirs.
   * @throws {MatrixError} `M_BAD_STATE`: it is somebody else's; as `UserInteractive.passStage`
   */
  async confirm(account: ProviderAccount, sessionId: string): Promise<void> {
    const owner = await this.#context.read.providerAccounts.owner(account)
    const session = await this.#interactive.session(sessionId)
    if (owner === undefined || owner !== session?.userId) throw anotherAccount()
    await this.#interactive.passStage(sessionId, SSO_STAGE, {}, owner)
  }

  /** Lets a user sign in with an account elsewhere, too. @throws {MatrixError} `M_BAD_STATE`: it is somebody else's, or they have another there */
  async connect(account: ProviderAccount, userId: string): Promise<void> {
    const { clock, read, write } = this.#context
    const user = await read.users.byId(userId)
    if (user === undefined) throw anotherAccount()
    if ((await read.providerAccounts.owner(account)) === userId) return
    const now = clock.now()
    const done = await this.#context.commit([
      // A deactivation does not slip in between: this holds the row.
      write.users.loggedIn(userId, user.credentialVersion, now),
      ...write.providerAccounts.link(account, userId, now),
    ])
    if (!done.ok) throw anotherAccount()
  }

  /**
   * Has a user sign in no longer with the accounts that they have at a provider, nor with one that has their name there. What has begun
   * with them goes on.
   * @throws {MatrixError} `M_BAD_STATE`: they could not sign in at all any more
   */
  async disconnect(userId: string, providerId: string): Promise<void> {
    const { clock, options, read, write } = this.#context
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const user = await read.users.byId(userId)
      const [other] = (await this.of(userId)).filter(({ id, isLinked }) => isLinked && id !== providerId)
      const hasPassword = options.sessions.passwords && user?.passwordHash !== undefined
      if (user === undefined || (other === undefined && !hasPassword)) break
      const accounts = await read.providerAccounts.ofUser(userId)
      const ending = accounts.filter(({ provider }) => provider === providerId)
      const done = await this.#context.commit([
        // Another that ends at the same moment waits for this, and sees then what is left.
        write.users.loggedIn(userId, user.credentialVersion, clock.now()),
        ...(other === undefined || hasPassword ? [] : [write.providerAccounts.keep(userId, other.id)]),
        ...ending.map(account => write.providerAccounts.unlink(account, userId)),
        write.providerAccounts.end(userId, providerId),
      ])
      if (done.ok) return
    }
    throw new MatrixError('M_BAD_STATE', 'Nobody could sign in to this account any more.')
  }
}

/** Somebody has signed in elsewhere as another than whom it is about. */
const anotherAccount = (): MatrixError =>
  new MatrixError('M_BAD_STATE', 'This is not the account elsewhere that belongs to this one.')
