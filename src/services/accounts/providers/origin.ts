import { hashToken } from '../secrets.ts'

/** What all origins of a provider begin with. Earlier versions noted no more than that where it had not named a session. */
export const originsOf = (provider: string): string => `${provider} `

/**
 * How a session at a provider is noted with what is begun by it.
 * @param claims.sid the provider's name for it; where it has told none, all that one person has there count as one
 */
export const originOf = (
  provider: string,
  { sub, sid }: { readonly sub: string; readonly sid?: unknown },
): string =>
  originsOf(provider) + (typeof sid === 'string' && sid !== '' ? hashToken(sid) : `of ${hashToken(sub)}`)
