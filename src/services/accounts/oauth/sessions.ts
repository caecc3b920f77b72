import { MatrixError } from '../../../core/errors.ts'
import { OAuthError } from '../../../core/oauth/errors.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { AccountManagement } from '../account-management.ts'
import type { AccountsContext } from '../context.ts'
import type { Devices } from '../devices.ts'
import type { Login } from '../login.ts'
import { hashToken, newToken } from '../secrets.ts'
import { type IssuedTokens, sessionOf } from '../token-issuer.ts'
import type { OAuthClients } from './clients.ts'

/** A successful answer of the token endpoint (RFC 6749, 5.1); `expires_in` in seconds. */
export interface ClientTokens {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly expires_in?: number
  readonly refresh_token?: string
  readonly scope: string
}

/** What a user has granted. */
interface Granted {
  readonly clientId: string
  readonly userId: string
  readonly deviceId: string
  readonly scope: string
  /** Of the account when it was granted. */
  readonly credentialVersion: number
  /** The session at a provider with which they had signed in. */
  readonly origin: string | undefined
}

/** Sessions that users have given to clients: begun by a grant, renewed, ended. */
export class Sessions {
  readonly #context: AccountsContext
  readonly #login: Login
  readonly #devices: Devices
  readonly #management: AccountManagement
  readonly #clients: OAuthClients

  constructor(
    context: AccountsContext,
    parts: { login: Login; devices: Devices; management: AccountManagement; clients: OAuthClients },
  ) {
    this.#context = context
    this.#login = parts.login
    this.#devices = parts.devices
    this.#management = parts.management
    this.#clients = parts.clients
  }

  /**
   * Begins the session that was granted.
   *
   * @param proof the statements that spend the grant, given the hash that names the session
   * @throws {OAuthError} `invalid_grant`, `temporarily_unavailable`
   */
  async start(
    granted: Granted,
    proof: (sessionHash: string) => readonly WriteStatement[],
  ): Promise<ClientTokens> {
    const { random, read } = this.#context
    const { clientId, userId, deviceId, scope, credentialVersion, origin } = granted
    const user = await read.users.byId(userId)
    if (user === undefined) throw sessionEnded('The account is gone')
    const session = newToken(random)
    const name = (await this.#clients.find(clientId))?.metadata.client_name
    const tokens = await inOAuthTerms(() =>
      this.#login.start(
        { ...user, credentialVersion },
        {
          device_id: deviceId,
          refresh_token: true,
          ...(name === undefined ? {} : { initial_device_display_name: name }),
        },
        { grant: { clientId, scope, session }, origin, proof: proof(hashToken(session)) },
      ),
    )
    return clientTokens(tokens, scope)
  }

  /**
   * Exchanges a refresh token. "The homeserver SHOULD consider that the session is compromised if an old, invalidated refresh
   * token is used, and SHOULD revoke the session."
   *
   * @throws {OAuthError} `invalid_grant`, `temporarily_unavailable`
   */
  async refresh(clientId: string, refreshToken: string): Promise<ClientTokens> {
    const { read } = this.#context
    const session = sessionOf(refreshToken)
    if (session === undefined) throw sessionEnded('The refresh token is not known here')
    if ((await read.tokens.byRefresh(hashToken(refreshToken))) === undefined) {
      // Only who was given a token of the session knows what they have in common.
      await this.end(hashToken(session))
      throw sessionEnded('The refresh token is not valid any more')
    }
    const { tokens, scope } = await inOAuthTerms(() => this.#login.refreshFor(clientId, refreshToken))
    return clientTokens(tokens, scope ?? '')
  }

  /** Ends a session as a logout does: its tokens, and its device. One that has ended is no error. */
  async end(sessionHash: string): Promise<void> {
    const owner = await this.#context.read.tokens.bySession(sessionHash)
    if (owner !== undefined) await this.#devices.remove(owner.userId, [owner.deviceId])
  }

  /**
   * Ends the session that a token belongs to (RFC 7009). "If the `client_id` is not provided, or does not match the client
   * associated with the token, the server SHOULD still revoke the token."
   */
  async revoke(token: string): Promise<void> {
    const { tokens } = this.#context.read
    const tokenHash = hashToken(token)
    const owner = (await tokens.owner(tokenHash)) ?? (await tokens.byRefresh(tokenHash))
    if (owner === undefined) return
    // Administrators who act as somebody else have no device.
    const deviceId = owner.deviceId === '' ? undefined : owner.deviceId
    await this.#management.logout({ userId: owner.userId, deviceId, tokenId: owner.tokenHash })
  }
}

const clientTokens = (tokens: IssuedTokens, scope: string): ClientTokens => ({
  access_token: tokens.access_token,
  token_type: 'Bearer',
  ...(tokens.expires_in_ms === undefined ? {} : { expires_in: Math.floor(tokens.expires_in_ms / 1000) }),
  ...(tokens.refresh_token === undefined ? {} : { refresh_token: tokens.refresh_token }),
  scope,
})

/** What was granted is not, or no longer, good for anything. */
export const sessionEnded = (why: string): OAuthError => new OAuthError('invalid_grant', why)

/**
 * A login's refusals as clients of this API understand them. A lock can be taken back, and a client takes any 4xx for the end
 * of its session: so it is told to come again.
 */
const inOAuthTerms = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    if (error.errcode === 'M_USER_LOCKED') {
      throw new OAuthError('temporarily_unavailable', 'This account has been locked')
    }
    throw sessionEnded('The grant is not valid any more')
  }
}
