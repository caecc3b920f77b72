import { MatrixError } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { ProviderAccount } from '../../../storage/accounts/provider-accounts.ts'
import type { User } from '../../../storage/accounts/users.ts'
import type { BrowserSessions } from '../browser-sessions.ts'
import type { AccountsContext } from '../context.ts'
import type { EmailValidations } from '../email-validation.ts'
import { registrationClosed } from '../registration-stages.ts'
import { newToken } from '../secrets.ts'
import type { ThirdPartyIds } from '../third-party-ids.ts'
import { userInUse } from '../usernames.ts'
import { type Newcomer, Newcomers, newcomerOf } from './newcomers.ts'
import type { Provider } from './options.ts'
import { originOf } from './origin.ts'
import { type Asked, type PendingSignIns, unknownSignIn } from './pending.ts'

/** What a newcomer is asked. */
export interface NewcomerQuestion {
  /** The name of the provider that they come from. */
  readonly provider: string
  /** How they could be called; may be empty. */
  readonly proposal: string
  readonly canChoose: boolean
  /** Whether they cannot be called so: it is taken, or no user name. */
  readonly isTaken: boolean
}

/** People who come from a provider: they are signed in, or become users first. */
export class Arrivals {
  readonly #context: AccountsContext
  readonly #browsers: BrowserSessions
  readonly #newcomers: Newcomers
  readonly #pending: PendingSignIns

  constructor(
    context: AccountsContext,
    parts: {
      browsers: BrowserSessions
      emails: EmailValidations
      threepids: ThirdPartyIds
      pending: PendingSignIns
    },
  ) {
    this.#context = context
    this.#browsers = parts.browsers
    this.#newcomers = new Newcomers(context, parts)
    this.#pending = parts.pending
  }

  /**
   * Lets somebody in for whom a provider vouches, or says what is still missing.
   * @throws {MatrixError} `M_FORBIDDEN`: no new accounts; `M_USER_IN_USE`, `M_USER_LOCKED`
   */
  async letIn(
    provider: Provider,
    claims: JsonObject & { readonly sub: string },
    { browser, returnTo }: { browser: string; returnTo: string },
  ): Promise<{ kind: 'signed-in'; secret: string } | { kind: 'newcomer'; token: string }> {
    const { read } = this.#context
    const { id, registration, linkByName, chooseUserName } = provider.options
    const account = { provider: id, subject: claims.sub }
    const origin = originOf(id, claims)
    const owner = await read.providerAccounts.owner(account)
    const known = owner === undefined ? undefined : await read.users.byId(owner)
    if (known !== undefined) return { kind: 'signed-in', secret: await this.#begin(known, origin) }
    const newcomer = newcomerOf(claims, provider.options)
    const namesake = linkByName ? await this.#newcomers.namesake(newcomer, id) : undefined
    if (namesake !== undefined) {
      return { kind: 'signed-in', secret: await this.#begin(namesake, origin, account) }
    }
    if (!registration) throw registrationClosed()
    const isFree = await this.#newcomers.isFree(newcomer)
    if (chooseUserName === 'never' && !isFree) throw userInUse()
    if (this.#isAsked(provider, isFree && newcomer.isExact)) {
      const token = newToken(this.#context.random)
      await this.#pending.store(token, id, browser, { returnTo, origin, newcomer: { ...newcomer } })
      return { kind: 'newcomer', token }
    }
    const { userName = '' } = newcomer
    return { kind: 'signed-in', secret: await this.#create(provider, newcomer, { userName, origin }) }
  }

  /** What a newcomer is asked. @throws {MatrixError} `M_NOT_FOUND`: no such question in this browser */
  async question(browser: string, token: string): Promise<NewcomerQuestion> {
    const { provider, newcomer } = await this.#asked(browser, token)
    const { name, chooseUserName } = provider.options
    return {
      provider: name,
      proposal: newcomer.userName ?? '',
      canChoose: chooseUserName !== 'never',
      isTaken: newcomer.userName !== undefined && !(await this.#newcomers.isFree(newcomer)),
    }
  }

  /**
   * Makes the account of a newcomer who has answered, and signs them in. Where it fails, they can answer again.
   *
   * @param answer.userName what they want to be called, if they can choose
   * @param answer.acceptsTerms whether they accept the documents that there are
   * @throws {MatrixError} as `question` and `Newcomers.create`
   */
  async answer(
    browser: string,
    token: string,
    { userName, acceptsTerms }: { userName: string; acceptsTerms: boolean },
  ): Promise<{ returnTo: string; secret: string }> {
    const { provider, newcomer, origin, returnTo } = await this.#asked(browser, token)
    const isFree = provider.options.chooseUserName !== 'never'
    const name = isFree ? userName : (newcomer.userName ?? '')
    const { terms = {} } = this.#context.options.registration
    const versions = Object.entries(terms).map(([id, { version }]) => [id, version])
    const acceptedTerms =
      versions.length > 0 && acceptsTerms ? JSON.stringify(Object.fromEntries(versions)) : undefined
    const secret = await this.#create(provider, newcomer, { userName: name, origin, acceptedTerms, token })
    return { secret, returnTo }
  }

  /** Whether a newcomer is asked something. @param isFitting whether they can be called as the provider calls them */
  #isAsked({ options: { chooseUserName } }: Provider, isFitting: boolean): boolean {
    if (this.#context.options.registration.terms !== undefined || chooseUserName === 'always') return true
    return chooseUserName === 'if_needed' && !isFitting
  }

  async #create(
    { options }: Provider,
    newcomer: Newcomer,
    answer: { userName: string; origin: string; acceptedTerms?: string | undefined; token?: string },
  ): Promise<string> {
    const { userName, origin, acceptedTerms, token } = answer
    const used = token === undefined ? [] : [this.#pending.use(token)]
    let secret = ''
    await this.#newcomers.create({ provider: options.id, newcomer, userName, acceptedTerms }, user => {
      const session = this.#browsers.begin(user, origin)
      secret = session.secret
      return [...used, ...session.statements]
    })
    return secret
  }

  /** Signs somebody in, linking an account elsewhere to theirs if one is given. */
  async #begin(user: User, origin: string, link?: ProviderAccount): Promise<string> {
    const { clock, write } = this.#context
    const { secret, statements } = this.#browsers.begin(user, origin)
    const now = clock.now()
    const done = await this.#context.commit([
      // A deactivation does not slip in between: this holds the row.
      write.users.loggedIn(user.userId, user.credentialVersion, now),
      ...(link === undefined ? [] : write.providerAccounts.link(link, user.userId, now)),
      ...statements,
    ])
    if (done.ok) return secret
    if (done.guard === 'already-linked') throw userInUse()
    throw new MatrixError('M_FORBIDDEN', 'The account was changed just now.')
  }

  async #asked(browser: string, token: string): Promise<Asked & { provider: Provider }> {
    const { providerId, details } = await this.#pending.find<Partial<Asked>>(token, browser)
    const { newcomer, origin, returnTo } = details
    const provider = this.#context.providers.find(({ options }) => options.id === providerId)
    if (newcomer === undefined || returnTo === undefined || provider === undefined) throw unknownSignIn()
    return {
      ...{ newcomer, returnTo, provider },
      origin: origin ?? originOf(providerId, { sub: newcomer.subject }),
    }
  }
}
