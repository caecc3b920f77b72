import { MatrixError } from '../../../core/errors.ts'
import { ssoReturn } from '../../../core/oauth/sso-return.ts'
import type { AccountManagement } from '../account-management.ts'
import type { AccountsContext } from '../context.ts'
import type { Devices } from '../devices.ts'
import type { Login } from '../login.ts'
import { offersSso } from '../login-flows.ts'
import { OAuthClients } from './clients.ts'
import { CodeGrants } from './code-grants.ts'
import { DeviceGrants } from './device-grants.ts'
import { KeyResets } from './key-resets.ts'
import { OAUTH_PATHS, providerPath, serverMetadata } from './metadata.ts'
import { Sessions } from './sessions.ts'
import { TokenEndpoint } from './token-endpoint.ts'

/** With what a client sends people to sign in. */
interface SsoRequest {
  readonly redirectUrl: string
  readonly action?: string | undefined
}

/** The OAuth 2.0 API (client-server API): this server is its own authorisation server. */
export class OAuth {
  readonly clients: OAuthClients
  readonly codes: CodeGrants
  readonly devices: DeviceGrants
  readonly sessions: Sessions
  readonly tokens: TokenEndpoint
  readonly keyResets: KeyResets
  readonly #context: AccountsContext
  readonly #canRegister: boolean

  constructor(
    context: AccountsContext,
    parts: {
      login: Login
      devices: Devices
      management: AccountManagement
      providers: { readonly canRegister: boolean }
    },
  ) {
    this.#context = context
    this.#canRegister = parts.providers.canRegister
    const { baseUrl } = context.options.email
    this.clients = new OAuthClients(context)
    this.sessions = new Sessions(context, { ...parts, clients: this.clients })
    this.codes = new CodeGrants(context, this.sessions)
    const verificationUri = baseUrl + OAUTH_PATHS.link
    const { clients, sessions, codes } = this
    this.devices = new DeviceGrants(context, { clients, sessions, verificationUri })
    this.tokens = new TokenEndpoint({ clients, sessions, codes, devices: this.devices })
    this.keyResets = new KeyResets(context, baseUrl + OAUTH_PATHS.account)
  }

  /** What clients need to know; `undefined` where the operator has switched it off. */
  metadata(): ReturnType<typeof serverMetadata> | undefined {
    const { email, oauth, registration } = this.#context.options
    return oauth.enabled
      ? serverMetadata(email.baseUrl, registration.mode !== 'closed' || this.#canRegister)
      : undefined
  }

  /**
   * Where clients that do not speak OAuth send people to sign in (`m.login.sso`).
   * @throws {MatrixError} `M_UNRECOGNIZED`: that is not offered
   */
  ssoUrl({ redirectUrl, action }: SsoRequest): string {
    const { email } = this.#context.options
    if (!offersSso(this.#context.options))
      throw new MatrixError('M_UNRECOGNIZED', 'm.login.sso is not in use here')
    const query = new URLSearchParams({ redirectUrl, ...(action === 'register' ? { prompt: 'create' } : {}) })
    return `${email.baseUrl}${OAUTH_PATHS.sso}?${query}`
  }

  /**
   * The same, by way of a provider. "The server MUST respond with an HTTP redirect to the SSO interface for that IdP": it is one
   * more from there.
   *
   * @throws {MatrixError} as `ssoUrl`; `M_NOT_FOUND`: there is no such provider
   */
  providerUrl(idpId: string, request: SsoRequest): string {
    const url = this.ssoUrl({ redirectUrl: request.redirectUrl })
    if (!this.#context.providers.some(({ options }) => options.id === idpId))
      throw new MatrixError('M_NOT_FOUND', 'There is no such identity provider')
    // Where nobody is brought back in the end, that page says so at once.
    if (ssoReturn(request.redirectUrl) === undefined) return url
    const { baseUrl } = this.#context.options.email
    return baseUrl + providerPath(idpId, { return: url.slice(baseUrl.length) })
  }

  /** Removes what is of no use any more. */
  async prune(): Promise<void> {
    const kept = [this.codes, this.devices, this.keyResets, this.clients]
    await this.#context.commit(kept.map(one => one.prune()))
  }
}
