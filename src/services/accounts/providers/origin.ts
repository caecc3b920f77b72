import { hashToken } from '../secrets.ts'

/** What all origins of a provider begin with. */
export const originsOf = (provider: string): string => `${provider} `

/**
 * How a session at a provider is noted with what is begun by it.
 * @param sid the provider's name for it, if it has told one
 */
export const originOf = (provider: string, sid: unknown): string =>
  originsOf(provider) + (typeof sid === 'string' ? hashToken(sid) : '')
