import { createHmac } from 'node:crypto'
import { MatrixError } from '../../core/errors.ts'
import { checkUserType } from './account-changes.ts'
import type { AccountsContext } from './context.ts'
import type { LoggedIn, Login } from './login.ts'
import type { Registration } from './registration.ts'
import { hashToken, newOpaqueId, sameSecret } from './secrets.ts'

/** A nonce may be used for a minute. */
const NONCE_MS = 60_000

/** Nonces that may be waiting to be used, since anybody can ask for one. */
const MAX_NONCES = 10_000

/** What `register_new_matrix_user` sends. */
export interface SharedSecretRequest {
  readonly nonce: string
  readonly username: string
  readonly displayname?: string
  readonly password: string
  readonly admin?: boolean
  readonly user_type?: string | null
  /** Hexadecimal HMAC-SHA1 under the shared secret. */
  readonly mac: string
}

/**
 * Registration by whoever knows the shared secret, in the protocol of Synapse's `register_new_matrix_user`: ask for
 * a nonce, then prove knowledge of the secret over it and what is to be registered.
 */
export class SharedSecretRegistration {
  readonly #context: AccountsContext
  readonly #registration: Registration
  readonly #login: Login

  constructor(context: AccountsContext, registration: Registration, login: Login) {
    this.#context = context
    this.#registration = registration
    this.#login = login
  }

  /** A fresh nonce. @throws {MatrixError} `M_FORBIDDEN`: no secret is configured */
  async nonce(): Promise<string> {
    this.#secret()
    const { clock, random, write } = this.#context
    const nonce = newOpaqueId(random)
    const now = clock.now()
    const token = { tokenHash: hashToken(nonce), purpose: 'nonce', subject: undefined } as const
    await this.#context.commit(
      write.oneTime.insert({ ...token, createdTs: now, expiresTs: now + NONCE_MS }, MAX_NONCES),
    )
    return nonce
  }

  /**
   * Registers an account and logs it in. The nonce is used up, whatever comes of it.
   * @throws {MatrixError} `M_FORBIDDEN`: no secret is configured, or the MAC is not right; `M_UNKNOWN` (400): the
   *   nonce is not good (any more); `M_INVALID_PARAM`: a type that accounts do not have; and as `Registration.createUser`
   */
  async register(request: SharedSecretRequest): Promise<LoggedIn> {
    const secret = this.#secret()
    const { clock, read, write } = this.#context
    const { nonce, username, password, displayname, user_type: userType = null } = request
    const used = await this.#context.commit([write.oneTime.redeem(hashToken(nonce), 'nonce', clock.now())])
    if (!used.ok)
      throw new MatrixError('M_UNKNOWN', 'The nonce is unknown, used or expired.', { status: 400 })
    // NUL separates the parts of what is authenticated: in one of them it would let them be shifted.
    if (username.includes('\0') || password.includes('\0')) {
      throw new MatrixError('M_INVALID_PARAM', 'A user name or password cannot hold a NUL.')
    }
    if (!sameSecret(request.mac.toLowerCase(), macOf(secret, request))) {
      throw new MatrixError('M_FORBIDDEN', 'The MAC is not right.')
    }
    checkUserType(userType)
    const made = await this.#registration.createUser({
      username,
      password,
      isAdmin: request.admin === true,
      displayName: displayname,
      userType: userType ?? undefined,
    })
    const user = 'refused' in made ? undefined : await read.users.byId(made.userId)
    if (user === undefined) throw new MatrixError('M_FORBIDDEN', 'The account was not made.')
    return this.#login.start(user, {})
  }

  #secret(): string {
    const { sharedSecret } = this.#context.options.registration
    if (sharedSecret === undefined || sharedSecret === '') {
      throw new MatrixError('M_FORBIDDEN', 'Registration by shared secret is not enabled on this server.')
    }
    return sharedSecret
  }
}

/** HMAC-SHA1 over nonce, user name, password, `admin` or `notadmin`, and the user type if there is one. */
const macOf = (secret: string, request: SharedSecretRequest): string => {
  const { nonce, username, password, admin, user_type: userType } = request
  const parts = [
    nonce,
    username,
    password,
    admin === true ? 'admin' : 'notadmin',
    ...(userType ? [userType] : []),
  ]
  return createHmac('sha1', secret).update(parts.join('\0')).digest('hex')
}
