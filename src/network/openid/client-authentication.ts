import type * as OAuthLibrary from 'oauth4webapi'

/**
 * How this server shows a provider who it is.
 *
 * "The default, if omitted, is client_secret_basic" (OpenID Connect Discovery 1.0, 3).
 */
export const authenticationFor = (
  oauth: typeof OAuthLibrary,
  server: OAuthLibrary.AuthorizationServer,
  clientSecret: string | undefined,
): OAuthLibrary.ClientAuth => {
  if (clientSecret === undefined) return oauth.None()
  const { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] } = server
  return methods.includes('client_secret_basic') || !methods.includes('client_secret_post')
    ? oauth.ClientSecretBasic(clientSecret)
    : oauth.ClientSecretPost(clientSecret)
}
