import { MatrixError } from '../../core/errors.ts'
import type { TokenOwner } from '../../storage/accounts/access-tokens.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AccountsContext } from './context.ts'
import { hashToken, newToken, type RandomBytes } from './secrets.ts'

/** Tokens as the client gets them; `expires_in_ms` in milliseconds from now. */
export interface IssuedTokens {
  readonly access_token: string
  readonly refresh_token?: string
  readonly expires_in_ms?: number
}

/** Tokens that exist once `statements` have been committed. */
export interface Issue {
  readonly tokens: IssuedTokens
  readonly statements: readonly WriteStatement[]
}

/** What marks tokens that a user has given to a client (the OAuth 2.0 API). */
export interface ClientGrant {
  readonly clientId: string
  readonly scope: string
  /** What all refresh tokens of the session begin with, so that an old one is known for what it is. */
  readonly session: string
}

/** A new refresh token; those of a session that was given to a client have a part in common. */
const newRefreshToken = (random: RandomBytes, session: string | undefined): string =>
  session === undefined ? newToken(random) : `${session}.${newToken(random)}`

/** What the refresh tokens of a client's session have in common; `undefined` for those of other sessions. */
export const sessionOf = (refreshToken: string): string | undefined => {
  const dot = refreshToken.indexOf('.')
  return dot === -1 ? undefined : refreshToken.slice(0, dot)
}

/** So long after a refresh a repetition of it leaves what it handed out alone: another tab may just be using it. */
const REPETITION_MS = 60_000

/** Makes tokens for a device, replacing all that it had (client-server API, "Relationship between access tokens and devices"). */
export const issueTokens = (
  { clock, random, options, write }: AccountsContext,
  device: { userId: string; deviceId: string },
  canRefresh: boolean,
  grant?: ClientGrant,
): Issue => {
  const now = clock.now()
  const { userId, deviceId } = device
  const { accessTokenLifetimeMs, nonRefreshableLifetimeMs, refreshTokenLifetimeMs } = options.sessions
  const lifetime = canRefresh ? accessTokenLifetimeMs : nonRefreshableLifetimeMs
  const access = newToken(random)
  const refresh = canRefresh ? newRefreshToken(random, grant?.session) : undefined
  return {
    tokens: tokensOf(access, refresh, lifetime),
    statements: [
      write.tokens.dropDevices(userId, [deviceId]),
      write.tokens.insert({
        tokenHash: hashToken(access),
        userId,
        deviceId,
        createdTs: now,
        expiresTs: lifetime === undefined ? undefined : now + lifetime,
        refreshHash: refresh === undefined ? undefined : hashToken(refresh),
        refreshExpiresTs: refresh === undefined ? undefined : now + refreshTokenLifetimeMs,
        grant: grant && { ...grant, sessionHash: hashToken(grant.session) },
      }),
    ],
  }
}

const tokensOf = (
  access: string,
  refresh: string | undefined,
  lifetime: number | undefined,
): IssuedTokens => ({
  access_token: access,
  ...(refresh === undefined ? {} : { refresh_token: refresh }),
  ...(lifetime === undefined ? {} : { expires_in_ms: lifetime }),
})

/** Refuses tokens with the error that a token gets which is not, or no longer, known. */
export const unknownToken = (softLogout: boolean): MatrixError =>
  new MatrixError(
    'M_UNKNOWN_TOKEN',
    softLogout ? 'The token has expired: refresh it or log in again.' : 'The token is not known here.',
    { fields: { soft_logout: softLogout } },
  )

/** Refuses deactivated accounts, where somebody has shown that it was theirs. */
export const accountDeactivated = (): MatrixError =>
  new MatrixError('M_USER_DEACTIVATED', 'This account has been deactivated.')

/** Refuses locked accounts (client-server API, "Account locking"). */
export const accountLocked = (): MatrixError =>
  new MatrixError('M_USER_LOCKED', 'This account has been locked.', { fields: { soft_logout: true } })

/**
 * Exchanges a refresh token for new tokens of the same device. "The old refresh token remains valid until the new
 * access token or refresh token is used": so a client that lost the answer can ask again.
 *
 * @param clientId the client that asks, by the OAuth 2.0 API: "clients MUST only use the API that was used to obtain their
 *   current access token"
 * @returns the tokens, and the owner of those that were exchanged
 * @throws {MatrixError} `M_UNKNOWN_TOKEN`, with `soft_logout` when it has only expired; `M_USER_LOCKED`
 */
export const refreshTokens = async (
  context: AccountsContext,
  refreshToken: string,
  clientId?: string,
): Promise<{ tokens: IssuedTokens; owner: TokenOwner }> => {
  const { clock, random, options, read, write } = context
  const owner = await read.tokens.byRefresh(hashToken(refreshToken))
  if (owner === undefined || owner.grant?.clientId !== clientId) throw unknownToken(false)
  const now = clock.now()
  if (owner.refreshExpiresTs !== undefined && owner.refreshExpiresTs <= now) throw unknownToken(true)
  if (owner.isLocked) throw accountLocked()
  const { accessTokenLifetimeMs, refreshTokenLifetimeMs } = options.sessions
  const access = newToken(random)
  const refresh = newRefreshToken(random, sessionOf(refreshToken))
  const successor = {
    tokenHash: hashToken(access),
    createdTs: now,
    expiresTs: now + accessTokenLifetimeMs,
    refreshHash: hashToken(refresh),
    refreshExpiresTs: now + refreshTokenLifetimeMs,
  }
  const result = await context.commit([
    ...(owner.supersedes === undefined ? [] : write.tokens.confirm(owner.tokenHash, owner.supersedes)),
    ...write.tokens.succeed(owner.tokenHash, successor, now - REPETITION_MS),
  ])
  if (!result.ok) throw unknownToken(false)
  return { tokens: tokensOf(access, refresh, accessTokenLifetimeMs), owner }
}
