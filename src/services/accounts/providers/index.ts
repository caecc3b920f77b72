import { MatrixError } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import { claimsIn, hasRequiredClaims } from '../../../core/oauth/provider-claims.ts'
import { OpenIdError } from '../../../network/openid/errors.ts'
import type { User } from '../../../storage/accounts/users.ts'
import type { BrowserSessions } from '../browser-sessions.ts'
import type { AccountsContext } from '../context.ts'
import type { EmailValidations } from '../email-validation.ts'
import { registrationClosed } from '../registration-stages.ts'
import { newToken } from '../secrets.ts'
import type { ThirdPartyIds } from '../third-party-ids.ts'
import { userInUse } from '../usernames.ts'
import { type Newcomer, Newcomers, newcomerOf } from './newcomers.ts'
import type { Provider, ProviderOptions } from './options.ts'
import { type Asked, type Begun, type Errand, PendingSignIns, unknownSignIn } from './pending.ts'

/** What has come of a sign-in. */
export type SignInOutcome = Errand &
  (
    | { readonly kind: 'signed-in'; readonly secret: string }
    /** They are asked how they want to be called, or to accept something. The token is good in this browser alone. */
    | { readonly kind: 'newcomer'; readonly token: string }
    | { readonly kind: 'failed'; readonly error: MatrixError }
  )

/** What a newcomer is asked. */
export interface NewcomerQuestion {
  readonly provider: string
  readonly proposal: string
  readonly canChoose: boolean
}

/** Signing in with accounts that people have elsewhere: OpenID Connect providers (client-server API, "SSO client login"). */
export class ProviderSignIns {
  readonly #context: AccountsContext
  readonly #browsers: BrowserSessions
  readonly #newcomers: Newcomers
  readonly #pending: PendingSignIns
  readonly #redirectUri: string

  constructor(
    context: AccountsContext,
    parts: {
      browsers: BrowserSessions
      emails: EmailValidations
      threepids: ThirdPartyIds
      redirectUri: string
    },
  ) {
    this.#context = context
    this.#browsers = parts.browsers
    this.#newcomers = new Newcomers(context, parts)
    this.#pending = new PendingSignIns(context)
    this.#redirectUri = parts.redirectUri
  }

  /** All providers, in the order in which they are offered. */
  get offered(): readonly Pick<ProviderOptions, 'id' | 'name' | 'icon' | 'brand'>[] {
    return this.#context.providers.map(({ options }) => options)
  }

  /** Whether somebody can get an account by one of them. */
  get canRegister(): boolean {
    return this.#context.providers.some(({ options }) => options.registration)
  }

  /**
   * Begins a sign-in.
   *
   * @param browser the secret of the browser, in which alone it can be finished
   * @returns where the browser is sent
   * @throws {MatrixError} `M_NOT_FOUND`: no such provider; `M_CONNECTION_FAILED`
   */
  async begin(providerId: string, browser: string, errand: Errand & { isAnew?: boolean }): Promise<string> {
    const { random } = this.#context
    const provider = this.#provider(providerId)
    const { returnTo, isAnew = false } = errand
    const secrets = { state: newToken(random), nonce: newToken(random), codeVerifier: newToken(random) }
    const url = await this.#ask(provider, () =>
      provider.client.authorizationUrl(secrets, { redirectUri: this.#redirectUri, isAnew }),
    )
    await this.#pending.store(secrets.state, providerId, browser, { ...secrets, returnTo })
    return url
  }

  /**
   * Finishes a sign-in when the browser has come back.
   *
   * @param callback the query that it has brought
   * @throws {MatrixError} `M_NOT_FOUND`: this browser has begun no such sign-in, or has finished it
   */
  async finish(browser: string, callback: URLSearchParams): Promise<SignInOutcome> {
    const state = callback.get('state') ?? ''
    const { providerId, details } = await this.#pending.find<Begun>(state, browser)
    const { returnTo, ...secrets } = details
    const used = await this.#context.commit([this.#pending.use(state)])
    if (!used.ok) throw unknownSignIn()
    try {
      const provider = this.#provider(providerId)
      const { requiredClaims, displayName, email, userName } = provider.options
      const wanted = [...claimsIn([displayName, email, userName]), ...Object.keys(requiredClaims)]
      const claims = await this.#ask(provider, () =>
        provider.client.claims(callback, secrets, { redirectUri: this.#redirectUri, wanted }),
      )
      if (!hasRequiredClaims(requiredClaims, claims)) throw notAdmitted()
      return { returnTo, ...(await this.#letIn(provider, claims, { browser, returnTo })) }
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      return { kind: 'failed', error, returnTo }
    }
  }

  /** What a newcomer is asked. @throws {MatrixError} `M_NOT_FOUND`: no such question in this browser */
  async question(browser: string, token: string): Promise<NewcomerQuestion> {
    const { provider, newcomer } = await this.#asked(browser, token)
    const { name, chooseUserName } = provider.options
    return {
      provider: name,
      proposal: newcomer.userName ?? '',
      canChoose: chooseUserName !== 'never',
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
  ): Promise<Errand & { secret: string }> {
    const { provider, newcomer, returnTo } = await this.#asked(browser, token)
    const isFree = provider.options.chooseUserName !== 'never'
    const name = isFree ? userName : (newcomer.userName ?? '')
    const { terms = {} } = this.#context.options.registration
    const versions = Object.entries(terms).map(([id, { version }]) => [id, version])
    const acceptedTerms =
      versions.length > 0 && acceptsTerms ? JSON.stringify(Object.fromEntries(versions)) : undefined
    const secret = await this.#create(provider, newcomer, { userName: name, acceptedTerms, token })
    return { secret, returnTo }
  }

  /** Removes what has expired. */
  async prune(): Promise<void> {
    await this.#context.commit([this.#pending.prune()])
  }

  /** Lets somebody in whom a provider vouches for, or says what is still missing. */
  async #letIn(
    provider: Provider,
    claims: JsonObject & { readonly sub: string },
    errand: Errand & { browser: string },
  ): Promise<{ kind: 'signed-in'; secret: string } | { kind: 'newcomer'; token: string }> {
    const { options, read } = this.#context
    const { id, registration, linkByName, chooseUserName } = provider.options
    const owner = await read.providerAccounts.owner({ provider: id, subject: claims.sub })
    const known = owner === undefined ? undefined : await read.users.byId(owner)
    if (known !== undefined) return { kind: 'signed-in', secret: await this.#begin(known) }
    const newcomer = newcomerOf(claims, provider.options)
    const namesake = linkByName ? await this.#newcomers.namesake(newcomer) : undefined
    if (namesake !== undefined) {
      return { kind: 'signed-in', secret: await this.#begin(namesake, { provider: id, subject: claims.sub }) }
    }
    if (!registration) throw registrationClosed()
    const isFree = await this.#newcomers.isFree(newcomer)
    if (chooseUserName === 'never' && !isFree) throw userInUse()
    const isAsked =
      options.registration.terms !== undefined ||
      chooseUserName === 'always' ||
      (chooseUserName === 'if_needed' && !(isFree && newcomer.isExact))
    const { userName = '' } = newcomer
    if (!isAsked) return { kind: 'signed-in', secret: await this.#create(provider, newcomer, { userName }) }
    const token = newToken(this.#context.random)
    await this.#pending.store(token, id, errand.browser, {
      returnTo: errand.returnTo,
      newcomer: { ...newcomer },
    })
    return { kind: 'newcomer', token }
  }

  async #create(
    { options }: Provider,
    newcomer: Newcomer,
    answer: { userName: string; acceptedTerms?: string | undefined; token?: string },
  ): Promise<string> {
    const { userName, acceptedTerms, token } = answer
    const used = token === undefined ? [] : [this.#pending.use(token)]
    let secret = ''
    await this.#newcomers.create({ provider: options.id, newcomer, userName, acceptedTerms }, user => {
      const session = this.#browsers.begin(user)
      secret = session.secret
      return [...used, ...session.statements]
    })
    return secret
  }

  /** Signs somebody in, linking an account elsewhere to theirs if one is given. */
  async #begin(user: User, link?: { provider: string; subject: string }): Promise<string> {
    const { clock, write } = this.#context
    const { secret, statements } = this.#browsers.begin(user)
    const now = clock.now()
    const done = await this.#context.commit([
      // A deactivation does not slip in between: this holds the row.
      write.users.loggedIn(user.userId, user.credentialVersion, now),
      ...(link === undefined ? [] : [write.providerAccounts.link(link, user.userId, now)]),
      ...statements,
    ])
    if (done.ok) return secret
    if (done.guard === 'already-linked') throw userInUse()
    throw new MatrixError('M_FORBIDDEN', 'The account was changed just now.')
  }

  #provider(id: string): Provider {
    const provider = this.#context.providers.find(({ options }) => options.id === id)
    if (provider === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no such provider.')
    return provider
  }

  async #asked(browser: string, token: string): Promise<Asked & { provider: Provider }> {
    const { providerId, details } = await this.#pending.find<Partial<Asked> & Errand>(token, browser)
    const { newcomer, returnTo } = details
    if (newcomer === undefined) throw unknownSignIn()
    return { newcomer, returnTo, provider: this.#provider(providerId) }
  }

  /** Asks a provider; its failures are for the operator, and people hear that it failed. */
  async #ask<Answer>({ options }: Provider, work: () => Promise<Answer>): Promise<Answer> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof OpenIdError)) throw error
      if (error.kind === 'refused') throw notAdmitted(error)
      this.#context.onProviderFailure(options.id, error)
      throw new MatrixError('M_CONNECTION_FAILED', `${options.name} did not answer as it should.`, {
        cause: error,
      })
    }
  }
}

const notAdmitted = (cause?: unknown): MatrixError =>
  new MatrixError('M_UNAUTHORIZED', 'The provider does not let this person in.', { cause })
