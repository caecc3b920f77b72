import { MatrixError } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import { claimsIn, hasRequiredClaims } from '../../../core/oauth/provider-claims.ts'
import { OpenIdError } from '../../../network/openid/errors.ts'
import type { ProviderAccount } from '../../../storage/accounts/provider-accounts.ts'
import type { BrowserSessions } from '../browser-sessions.ts'
import type { AccountsContext } from '../context.ts'
import type { Devices } from '../devices.ts'
import type { EmailValidations } from '../email-validation.ts'
import { newToken } from '../secrets.ts'
import type { ThirdPartyIds } from '../third-party-ids.ts'
import type { UserInteractive } from '../user-interactive.ts'
import { Arrivals } from './arrivals.ts'
import { LinkedAccounts } from './linked-accounts.ts'
import type { Provider, ProviderOptions } from './options.ts'
import { type Begun, type Errand, PERMIT_MS, PendingSignIns, type Permit, unknownSignIn } from './pending.ts'
import { SignOuts } from './sign-outs.ts'

/** What has come of a sign-in. `returnTo`: where the browser goes now, or may begin again. */
export type SignInOutcome = { readonly returnTo: string } & (
  | { readonly kind: 'signed-in'; readonly secret: string }
  /** They are asked how they want to be called, or to accept something. The token is good in this browser alone. */
  | { readonly kind: 'newcomer'; readonly token: string }
  /** What was to be confirmed is, or the account is linked. */
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: MatrixError }
)

/** Signing in with accounts that people have elsewhere: OpenID Connect providers (client-server API, "SSO client login"). */
export class ProviderSignIns {
  readonly arrivals: Arrivals
  readonly linked: LinkedAccounts
  readonly signOuts: SignOuts
  readonly #context: AccountsContext
  readonly #pending: PendingSignIns
  readonly #browsers: BrowserSessions
  readonly #redirectUri: string

  constructor(
    context: AccountsContext,
    parts: {
      browsers: BrowserSessions
      emails: EmailValidations
      threepids: ThirdPartyIds
      interactive: UserInteractive
      devices: Devices
      redirectUri: string
    },
  ) {
    this.#context = context
    this.#browsers = parts.browsers
    this.#pending = new PendingSignIns(context)
    this.arrivals = new Arrivals(context, { ...parts, pending: this.#pending })
    this.linked = new LinkedAccounts(context, parts.interactive)
    this.signOuts = new SignOuts(context, parts.devices)
    this.#redirectUri = parts.redirectUri
  }

  /** All providers, in the order in which they are offered. */
  get offered(): readonly Pick<ProviderOptions, 'id' | 'name'>[] {
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
   * @param errand.permit from `permitConnecting`, where it is to connect an account
   * @param isAnew whether people are to show who they are even where the provider knows them already
   * @returns where the browser is sent
   * @throws {MatrixError} `M_NOT_FOUND`: no such provider, or permit; `M_CONNECTION_FAILED`
   */
  async begin(
    providerId: string,
    browser: string,
    { permit, ...errand }: Omit<Errand, 'connects'> & { readonly permit?: string | undefined },
    isAnew: boolean,
  ): Promise<string> {
    const { clock, random } = this.#context
    const provider = this.#provider(providerId)
    const connects = permit === undefined ? undefined : await this.#permitted(permit, providerId, browser)
    const tokens = { state: newToken(random), nonce: newToken(random), codeVerifier: newToken(random) }
    const secrets = { ...tokens, anewSince: isAnew ? clock.now() : undefined }
    const url = await this.#ask(provider, () =>
      provider.client.authorizationUrl(secrets, { redirectUri: this.#redirectUri }),
    )
    await this.#pending.store(
      secrets.state,
      providerId,
      browser,
      { ...secrets, ...errand, connects },
      { permit },
    )
    return url
  }

  /**
   * Lets a user connect an account at a provider, who has confirmed that they want it.
   * @returns a permit for `begin`: good once, in this browser, for a few minutes
   * @throws {MatrixError} `M_NOT_FOUND`: no such provider
   */
  async permitConnecting(providerId: string, browser: string, userId: string): Promise<string> {
    const { id } = this.#provider(providerId).options
    const token = newToken(this.#context.random)
    const permit: Permit = { mayConnect: userId }
    await this.#pending.store(token, id, browser, { ...permit }, { lifetimeMs: PERMIT_MS })
    return token
  }

  /** Who connects an account by a permit: whoever was given it, and is still signed in. @throws {MatrixError} `M_NOT_FOUND` */
  async #permitted(permit: string, providerId: string, browser: string): Promise<string> {
    const { providerId: permitted, details } = await this.#pending.find<Partial<Permit>>(permit, browser)
    const { mayConnect } = details
    const user = await this.#browsers.user(browser)
    if (permitted !== providerId || mayConnect === undefined || user?.userId !== mayConnect) {
      throw unknownSignIn()
    }
    return mayConnect
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
    const used = await this.#context.commit([this.#pending.use(state)])
    if (!used.ok) throw unknownSignIn()
    const { returnTo, confirms, connects } = details
    try {
      const provider = this.#provider(providerId)
      const claims = await this.#claims(provider, callback, details)
      const account = { provider: providerId, subject: claims.sub }
      if (confirms !== undefined) await this.linked.confirm(account, confirms)
      else if (connects !== undefined) await this.#connect(account, connects, browser)
      else return { returnTo, ...(await this.arrivals.letIn(provider, claims, { browser, returnTo })) }
      return { kind: 'done', returnTo }
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      return { kind: 'failed', error, returnTo }
    }
  }

  /** Who has signed out meanwhile, or has another password, wants nothing connected any more. @throws as `LinkedAccounts.connect` */
  async #connect(account: ProviderAccount, userId: string, browser: string): Promise<void> {
    if ((await this.#browsers.user(browser))?.userId !== userId) throw unknownSignIn()
    await this.linked.connect(account, userId)
  }

  /** Removes what has expired. */
  async prune(): Promise<void> {
    await this.#context.commit(this.#pending.prune())
  }

  /** What a provider says of whoever has come back. @throws {MatrixError} `M_UNAUTHORIZED`: too little to let them in */
  async #claims(
    provider: Provider,
    callback: URLSearchParams,
    secrets: Begun,
  ): Promise<JsonObject & { readonly sub: string }> {
    const { requiredClaims, displayName, email, picture, userName } = provider.options
    const wanted = [...claimsIn([displayName, email, picture, userName]), ...Object.keys(requiredClaims)]
    const claims = await this.#ask(provider, () =>
      provider.client.claims(callback, secrets, { redirectUri: this.#redirectUri, wanted }),
    )
    if (!hasRequiredClaims(requiredClaims, claims)) throw notAdmitted()
    return claims
  }

  #provider(id: string): Provider {
    const provider = this.#context.providers.find(({ options }) => options.id === id)
    if (provider === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no such provider.')
    return provider
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
