import { RESPONSE_MODES } from '../../../core/oauth/authorization-request.ts'
import { DEVICE_CODE_GRANT } from '../../../core/oauth/client-metadata.ts'
import { ADMINISTRATION } from '../../../core/oauth/scope.ts'

/** Where the OAuth 2.0 API and its pages are, below the address of the server. */
export const OAUTH_PATHS = {
  authorize: '/oauth2/authorize',
  token: '/oauth2/token',
  revoke: '/oauth2/revoke',
  register: '/oauth2/register',
  device: '/oauth2/device',
  sso: '/oauth2/sso',
  /** Followed by the ID of a provider: from there one is sent to it. */
  provider: '/oauth2/provider',
  /** Where providers send people back: registered there, so it stays. */
  callback: '/oauth2/callback',
  newcomer: '/oauth2/newcomer',
  /** Followed by the ID of a provider: registered there, too. */
  backChannelLogout: '/oauth2/backchannel-logout',
  /** Short: people type it. */
  link: '/link',
  account: '/account',
  recover: '/account/password',
} as const

/** Where the way to a provider begins. @param query `return` at least: the path, with its query, to which it leads afterwards */
export const providerPath = (providerId: string, query: Readonly<Record<string, string>>): string =>
  `${OAUTH_PATHS.provider}/${providerId}?${new URLSearchParams(query)}`

/** What can be done on the account page ("Account management URL actions"). */
export const ACCOUNT_ACTIONS = [
  'org.matrix.profile',
  'org.matrix.devices_list',
  'org.matrix.device_view',
  'org.matrix.device_delete',
  'org.matrix.account_deactivate',
  'org.matrix.cross_signing_reset',
] as const

/** The authorisation server's metadata (RFC 8414). @param baseUrl of this server, without a slash at the end */
export const serverMetadata = (baseUrl: string, canRegister: boolean) => ({
  issuer: `${baseUrl}/`,
  authorization_endpoint: baseUrl + OAUTH_PATHS.authorize,
  token_endpoint: baseUrl + OAUTH_PATHS.token,
  revocation_endpoint: baseUrl + OAUTH_PATHS.revoke,
  registration_endpoint: baseUrl + OAUTH_PATHS.register,
  device_authorization_endpoint: baseUrl + OAUTH_PATHS.device,
  response_types_supported: ['code'],
  response_modes_supported: [...RESPONSE_MODES],
  grant_types_supported: ['authorization_code', 'refresh_token', DEVICE_CODE_GRANT],
  code_challenge_methods_supported: ['S256'],
  token_endpoint_auth_methods_supported: ['none'],
  revocation_endpoint_auth_methods_supported: ['none'],
  scopes_supported: ['urn:matrix:client:api:*', 'urn:matrix:client:device:*', ADMINISTRATION],
  ...(canRegister ? { prompt_values_supported: ['create'] } : {}),
  account_management_uri: baseUrl + OAUTH_PATHS.account,
  account_management_actions_supported: [...ACCOUNT_ACTIONS],
})
