import { MAX_DISPLAYNAME_LENGTH } from '../../../core/display-profile.ts'
import { MatrixError } from '../../../core/errors.ts'
import { localpartOf } from '../../../core/ids.ts'
import type { JsonObject } from '../../../core/json.ts'
import { filledIn, proposedName } from '../../../core/oauth/provider-claims.ts'
import type { User } from '../../../storage/accounts/users.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { AccountsContext } from '../context.ts'
import type { EmailValidations } from '../email-validation.ts'
import type { ThirdPartyIds } from '../third-party-ids.ts'
import { newUserId, refuseUnavailable, userInUse } from '../usernames.ts'
import type { ProviderOptions } from './options.ts'

/** Somebody whom a provider knows, and this server does not yet. What the provider says is short. */
export interface Newcomer {
  readonly subject: string
  /** What they could be called here. */
  readonly userName: string | undefined
  /** Whether the provider calls them so, letter by letter. */
  readonly isExact: boolean
  readonly displayName: string | undefined
  /** An address of theirs, as far as it counts. */
  readonly email: string | undefined
  /** The address of a picture of theirs. */
  readonly picture: string | undefined
}

/** What a provider says of somebody, as far as an account is made of it. */
export const newcomerOf = (
  claims: JsonObject & { readonly sub: string },
  options: ProviderOptions,
): Newcomer => {
  const name = proposedName(filledIn(options.userName, claims) ?? '')
  const isVerified = options.trustEmails || claims['email_verified'] === true
  return {
    subject: claims.sub,
    userName: name?.localpart,
    isExact: name?.isExact === true,
    displayName: filledIn(options.displayName, claims),
    email: isVerified ? filledIn(options.email, claims) : undefined,
    picture: filledIn(options.picture, claims),
  }
}

/** Makes accounts for people whom a provider vouches for. */
export class Newcomers {
  readonly #context: AccountsContext
  readonly #emails: EmailValidations
  readonly #threepids: ThirdPartyIds

  constructor(context: AccountsContext, parts: { emails: EmailValidations; threepids: ThirdPartyIds }) {
    this.#context = context
    this.#emails = parts.emails
    this.#threepids = parts.threepids
  }

  /** Whether a newcomer could be called what their provider proposes. */
  async isFree({ userName }: Newcomer): Promise<boolean> {
    if (userName === undefined) return false
    try {
      await refuseUnavailable(this.#context, newUserId(userName, this.#context.options.serverName))
      return true
    } catch (error) {
      if (error instanceof MatrixError) return false
      throw error
    }
  }

  /** The account that has a newcomer's name already, where it can be theirs and its owner has not ended signing in with that provider. */
  async namesake({ userName, isExact }: Newcomer, provider: string): Promise<User | undefined> {
    const { hooks, options, read } = this.#context
    if (userName === undefined || !isExact) return undefined
    const user = await read.users.byId(`@${userName}:${options.serverName}`)
    if (user === undefined || user.kind !== 'user' || user.deactivatedTs !== undefined) return undefined
    if (await read.providerAccounts.hasEnded(user.userId, provider)) return undefined
    return hooks.isExclusive?.(user.userId) === true ? undefined : user
  }

  /**
   * Makes the account, and what else has to be written with it.
   *
   * @param account.acceptedTerms JSON: which version of each policy document was accepted
   * @param statements what belongs to it, given the account
   * @throws {MatrixError} `M_USER_IN_USE`, `M_INVALID_USERNAME`, `M_EXCLUSIVE`; `M_BAD_STATE`: it was done meanwhile
   */
  async create(
    account: {
      readonly provider: string
      readonly newcomer: Newcomer
      readonly userName: string
      readonly acceptedTerms?: string | undefined
    },
    statements: (user: Pick<User, 'userId' | 'credentialVersion' | 'isLocked'>) => readonly WriteStatement[],
  ): Promise<void> {
    const { clock, options, write } = this.#context
    const { provider, newcomer, acceptedTerms } = account
    const userId = newUserId(account.userName, options.serverName)
    await refuseUnavailable(this.#context, userId)
    const now = clock.now()
    const { subject, displayName } = newcomer
    const shown = [...(displayName ?? '')].slice(0, MAX_DISPLAYNAME_LENGTH).join('')
    const email = await this.#emailOf(userId, newcomer)
    const user = { userId, passwordHash: undefined, kind: 'user', isAdmin: false, createdTs: now } as const
    const made = await this.#context.commit([
      ...statements({ userId, credentialVersion: 0, isLocked: false }),
      write.users.insert({ ...user, acceptedTerms }),
      write.profiles.insert(userId, shown || localpartOf(userId)),
      ...write.providerAccounts.link({ provider, subject }, userId, now),
      ...email,
    ])
    if (!made.ok && made.guard === 'user-in-use') throw userInUse()
    if (!made.ok && made.guard === 'threepid-in-use') {
      // Somebody else was given it just now.
      return this.create({ ...account, newcomer: { ...newcomer, email: undefined } }, statements)
    }
    if (!made.ok) throw new MatrixError('M_BAD_STATE', `The account was not made: ${made.guard}.`)
    if (email.length > 0) this.#threepids.added(userId)
    const { hooks, onError } = this.#context
    // Nobody waits for it.
    if (newcomer.picture !== undefined) hooks.onPicture?.(userId, newcomer.picture).catch(onError)
  }

  /** The statement that adds their address, where it may be used and is nobody's. */
  async #emailOf(userId: string, { email }: Newcomer): Promise<WriteStatement[]> {
    if (email === undefined) return []
    try {
      const address = this.#emails.admitted(email)
      if ((await this.#threepids.ownerOf(address)) !== undefined) return []
      return [this.#threepids.addition(userId, { address, validatedTs: this.#context.clock.now() })]
    } catch (error) {
      if (error instanceof MatrixError) return []
      throw error
    }
  }
}
