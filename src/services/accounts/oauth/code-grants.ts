import type { AuthorizationRequest, ReplyAddress } from '../../../core/oauth/authorization-request.ts'
import type { OAuthError } from '../../../core/oauth/errors.ts'
import { isVerifierOf } from '../../../core/oauth/pkce.ts'
import type { OAuthCode } from '../../../storage/accounts/oauth-codes.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { AccountsContext } from '../context.ts'
import { hashToken, newToken } from '../secrets.ts'
import { type ClientTokens, type Sessions, sessionEnded } from './sessions.ts'

/** "The authorization code MUST expire shortly after it is issued" (RFC 6749, 4.1.2). */
const LIFETIME_MS = 300_000

/** So long a spent code is remembered, so that whoever tries it again is noticed. */
const REMEMBERED_MS = 3_600_000

/** What a client sends to exchange a code. */
export interface CodeExchange {
  readonly clientId: string
  readonly code: string
  readonly redirectUri: string
  readonly codeVerifier: string
}

/** The authorisation code grant (RFC 6749, 4.1), with PKCE. */
export class CodeGrants {
  readonly #context: AccountsContext
  readonly #sessions: Sessions

  constructor(context: AccountsContext, sessions: Sessions) {
    this.#context = context
    this.#sessions = sessions
  }

  /** What a user grants. @param origin the session at a provider with which they have signed in @returns the code that the client is sent, or `undefined` where the account is gone */
  async grant(
    userId: string,
    clientId: string,
    request: AuthorizationRequest & Pick<ReplyAddress, 'redirectUri'>,
    origin?: string,
  ): Promise<string | undefined> {
    const { clock, random, read, write } = this.#context
    const user = await read.users.byId(userId)
    if (user === undefined || user.deactivatedTs !== undefined || user.isLocked) return undefined
    const code = newToken(random)
    const now = clock.now()
    const { redirectUri, codeChallenge, scope } = request
    await this.#context.commit([
      write.oauthCodes.insert({
        codeHash: hashToken(code),
        clientId,
        userId,
        deviceId: scope.deviceId,
        scope: scope.text,
        redirectUri,
        codeChallenge,
        credentialVersion: user.credentialVersion,
        origin,
        createdTs: now,
        expiresTs: now + LIFETIME_MS,
      }),
      write.oauthClients.use(clientId, now),
    ])
    return code
  }

  /**
   * Exchanges a code for tokens. "If an authorization code is used more than once, the authorization server MUST deny the request
   * and SHOULD revoke (when possible) all tokens previously issued based on that authorization code."
   *
   * @throws {OAuthError} `invalid_grant`
   */
  async exchange({ clientId, code, redirectUri, codeVerifier }: CodeExchange): Promise<ClientTokens> {
    const { clock, read, write } = this.#context
    const granted = await read.oauthCodes.find(hashToken(code))
    const now = clock.now()
    // Another client's attempt spends nothing.
    if (granted === undefined || granted.clientId !== clientId || granted.redirectUri !== redirectUri) {
      throw refused()
    }
    if (!isVerifierOf(codeVerifier, granted.codeChallenge)) throw refused()
    if (granted.sessionHash !== undefined) await this.#revoke(granted)
    if (granted.sessionHash !== undefined || granted.expiresTs <= now) throw refused()
    return this.#sessions.start(granted, sessionHash => [
      write.oauthCodes.redeem(granted.codeHash, sessionHash, now),
    ])
  }

  /** Removes codes that are of no use any more. */
  prune(): WriteStatement {
    const { clock, write } = this.#context
    return write.oauthCodes.prune(clock.now() - REMEMBERED_MS)
  }

  async #revoke({ sessionHash }: OAuthCode): Promise<void> {
    if (sessionHash !== undefined) await this.#sessions.end(sessionHash)
  }
}

const refused = (): OAuthError => sessionEnded('The code is not valid for this client, spent or expired')
