import type { JWTPayload } from 'jose'
import { OpenIdError } from './errors.ts'

/** Who was signed out at a provider: somebody, or one session there. One of both is given. */
export interface SignedOut {
  readonly subject: string | undefined
  readonly sessionId: string | undefined
}

/** What the token must be made for, and by whom. */
export interface LogoutTokenFacts {
  readonly issuer: string
  readonly clientId: string
  readonly algorithms: readonly string[]
  /** The provider's public keys (JWKS). @param isFresh whether it is to be asked for them anew */
  keys(isFresh: boolean): Promise<object>
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** How old one may be, and by how much a provider's clock may be wrong, in seconds. */
const MAX_AGE_S = 300
const CLOCK_TOLERANCE_S = 60

/**
 * Judges a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6).
 * @throws {OpenIdError} where it is not in order
 */
export const readLogoutToken = async (token: string, facts: LogoutTokenFacts): Promise<SignedOut> => {
  const claims = await verified(token, facts)
  const { sub: subject, sid: sessionId, events } = claims
  const event = isRecord(events) ? events[EVENT] : undefined
  if (!isRecord(event)) throw invalid('it is about no logout')
  // "Verify that the Logout Token does not contain a nonce Claim": an ID token is none.
  if (claims['nonce'] !== undefined) throw invalid('it has a nonce')
  if (subject === undefined && typeof sessionId !== 'string') throw invalid('it names nobody')
  return { subject, sessionId: typeof sessionId === 'string' ? sessionId : undefined }
}

/** The claims of a token whose signature is right. Keys that are not known are asked for once. */
const verified = async (token: string, facts: LogoutTokenFacts): Promise<JWTPayload> => {
  const { createLocalJWKSet, errors, jwtVerify } = await import('jose')
  const options = {
    ...{ issuer: facts.issuer, audience: facts.clientId, algorithms: [...facts.algorithms] },
    ...{ maxTokenAge: MAX_AGE_S, clockTolerance: CLOCK_TOLERANCE_S, requiredClaims: ['iat', 'jti'] },
  }
  const judge = async (isFresh: boolean): Promise<JWTPayload> => {
    const keys = createLocalJWKSet((await facts.keys(isFresh)) as Parameters<typeof createLocalJWKSet>[0])
    return (await jwtVerify(token, keys, options)).payload
  }
  try {
    return await judge(false).catch(error => {
      if (error instanceof errors.JWKSNoMatchingKey) return judge(true)
      throw error
    })
  } catch (error) {
    if (error instanceof OpenIdError) throw error
    throw invalid(error instanceof Error ? error.message : String(error))
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const invalid = (why: string): OpenIdError => new OpenIdError('invalid', `a logout token is refused: ${why}`)
