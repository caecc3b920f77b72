import { MatrixError } from '../../core/errors.ts'
import type { User } from '../../storage/accounts/users.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { Requester } from '../requester.ts'
import type { AccountsContext } from './context.ts'
import { hashToken, newToken } from './secrets.ts'

/** `login_token`s live for two minutes, as is recommended. */
const LOGIN_TOKEN_MS = 120_000

/** Login tokens that may be waiting to be used. */
const MAX_LOGIN_TOKENS = 10_000

/** Tokens that log another client in as the same user, once (client-server API, `POST /v1/login/get_token`). */
export class LoginTokens {
  readonly #context: AccountsContext

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /** Refuses whoever "does not have an ability to generate tokens". @throws {MatrixError} `M_UNKNOWN` (400) */
  refuse({ oauthClientId }: Pick<Requester, 'oauthClientId'>): void {
    if (this.#context.options.sessions.loginTokens && oauthClientId === undefined) return
    throw new MatrixError('M_UNKNOWN', 'Login tokens are not offered to this session.', { status: 400 })
  }

  /** Makes a token. @param origin the session at a provider by which it is, if by one @throws {MatrixError} as `refuse` */
  async generate(
    userId: string,
    lifetimeMs = LOGIN_TOKEN_MS,
    origin?: string,
  ): Promise<{ login_token: string; expires_in_ms: number }> {
    this.refuse({})
    const { clock, random, read, write } = this.#context
    const token = newToken(random)
    const now = clock.now()
    await this.#context.commit(
      write.oneTime.insert(
        {
          tokenHash: hashToken(token),
          purpose: 'login',
          subject: userId,
          origin,
          credentialVersion: (await read.users.byId(userId))?.credentialVersion,
          createdTs: now,
          expiresTs: now + lifetimeMs,
        },
        MAX_LOGIN_TOKENS,
      ),
    )
    return { login_token: token, expires_in_ms: lifetimeMs }
  }

  /**
   * Whom a token logs in, where it comes from, and what has to be written with that, so that it does so only once.
   * @throws {MatrixError} `M_FORBIDDEN`; `M_MISSING_PARAM`
   */
  async redeem(
    token: string | undefined,
  ): Promise<{ user: User; origin: string | undefined; proof: readonly WriteStatement[] }> {
    const { clock, read, write } = this.#context
    if (token === undefined) throw new MatrixError('M_MISSING_PARAM', 'A token is needed.')
    const tokenHash = hashToken(token)
    const now = clock.now()
    const found = await read.oneTime.find(tokenHash, 'login', now)
    const user = found?.subject === undefined ? undefined : await read.users.byId(found.subject)
    if (user === undefined) throw invalidLoginToken()
    // What ends the user's sessions ends it, too.
    const { credentialVersion = user.credentialVersion } = found ?? {}
    return {
      user: { ...user, credentialVersion },
      origin: found?.origin,
      proof: [write.oneTime.redeem(tokenHash, 'login', now)],
    }
  }
}

export const invalidLoginToken = (): MatrixError =>
  new MatrixError('M_FORBIDDEN', 'The login token is not valid.')
