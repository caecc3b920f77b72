import type { AccountsOptions } from './options.ts'
import type { Provider } from './providers/options.ts'

/** A way to log in. */
export interface LoginFlow {
  readonly type: string
  readonly get_login_token?: boolean
  readonly oauth_aware_preferred?: boolean
  readonly identity_providers?: readonly IdentityProvider[]
}

/** An account elsewhere with which people sign in, as clients show it ("m.login.sso flow schema"). */
interface IdentityProvider {
  readonly id: string
  readonly name: string
  readonly icon?: string
  readonly brand?: string
}

/** "OAuth 2.0 aware clients": what they know of it beside the legacy API is that its page is to be preferred. The second name is MSC3824's. */
const SSO = {
  type: 'm.login.sso',
  oauth_aware_preferred: true,
  'org.matrix.msc3824.delegated_oidc_compatibility': true,
}

/** Whether clients that do not speak OAuth can send people to the page where others sign in. */
export const offersSso = ({ oauth, sessions }: AccountsOptions): boolean =>
  oauth.enabled && sessions.loginTokens

/**
 * On the way back from that page "the lifetime of this token SHOULD be limited to around five seconds". In these people are asked by their
 * browser whether it may open the app, and a web client loads for the first time; the token is good once, whoever waits.
 */
export const SSO_TOKEN_MS = 60_000

/** The ways to log in. */
export const loginFlows = (options: AccountsOptions, providers: readonly Provider[]): LoginFlow[] => [
  ...(options.sessions.passwords ? [{ type: 'm.login.password' }] : []),
  ...(options.sessions.loginTokens ? [{ type: 'm.login.token', get_login_token: true }] : []),
  ...(offersSso(options)
    ? [providers.length === 0 ? SSO : { ...SSO, identity_providers: shown(providers) }]
    : []),
]

const shown = (providers: readonly Provider[]): IdentityProvider[] =>
  providers.map(({ options: { id, name, icon, brand } }) => ({
    ...{ id, name },
    ...(icon === undefined ? {} : { icon }),
    ...(brand === undefined ? {} : { brand }),
  }))
