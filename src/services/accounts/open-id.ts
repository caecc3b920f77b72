import { MatrixError } from '../../core/errors.ts'
import type { AccountsContext } from './context.ts'
import { hashToken, newToken } from './secrets.ts'

const LIFETIME_SECONDS = 3600

/** Tokens at a time; beyond that the oldest stop working. */
const MAX_TOKENS = 20_000

/** A token in the shape of an OpenID Connect token response, with the server to ask about it. */
export interface OpenIdToken {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly matrix_server_name: string
  /** Seconds. */
  readonly expires_in: number
}

/** Lets users prove to other services who they are (module "OpenID"). Such a token is good for nothing else. */
export class OpenId {
  readonly #context: AccountsContext

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /** A new token for a user. Only its hash is stored. */
  async issue(userId: string): Promise<OpenIdToken> {
    const { clock, random, options, write } = this.#context
    const token = newToken(random)
    const createdTs = clock.now()
    const expiresTs = createdTs + LIFETIME_SECONDS * 1000
    const row = { tokenHash: hashToken(token), purpose: 'openid', subject: userId } as const
    await this.#context.commit(write.oneTime.insert({ ...row, createdTs, expiresTs }, MAX_TOKENS))
    return {
      access_token: token,
      token_type: 'Bearer',
      matrix_server_name: options.serverName,
      expires_in: LIFETIME_SECONDS,
    }
  }

  /** Whose token this is. @throws {MatrixError} `M_UNKNOWN_TOKEN`: unknown, expired, or of an account that is gone */
  async owner(token: string): Promise<string> {
    const { clock, read } = this.#context
    const found = await read.oneTime.find(hashToken(token), 'openid', clock.now())
    const user = found?.subject === undefined ? undefined : await read.users.byId(found.subject)
    if (user === undefined || user.deactivatedTs !== undefined || user.isLocked) {
      throw new MatrixError('M_UNKNOWN_TOKEN', 'Access token unknown or expired')
    }
    return user.userId
  }
}
