import type { Config } from './schema/index.ts'

/**
 * Whether people can be sent to the pages of this server to sign in: only where it is known under which address they are, and where that
 * is all of a host's. They lead to one another by paths of their own, which behind a proxy that adds another are not there.
 */
export const hasSignInPages = ({
  oauth,
  publicBaseUrl,
  serverName,
}: Pick<Config, 'oauth' | 'publicBaseUrl' | 'serverName'>): boolean => {
  if (!oauth.enabled) return false
  return publicBaseUrl === undefined
    ? serverName === 'localhost'
    : /^\/*$/.test(URL.parse(publicBaseUrl)?.pathname ?? '')
}
