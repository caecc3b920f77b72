import type { AccountManagement } from './account-management.ts'
import type { AccountsContext } from './context.ts'
import type { EmailCredentials, EmailValidations } from './email-validation.ts'
import { InteractiveChallenge } from './interactive-attempt.ts'

/** What interactive sessions that begin on the page are bound to. */
const TARGET = { method: 'POST', uri: '/pages/recover' }

/** Lets people who have forgotten their password set another one on a page of this server, by an e-mail address of their account. */
export class BrowserRecovery {
  readonly #context: AccountsContext
  readonly #management: AccountManagement
  readonly #emails: EmailValidations

  constructor(context: AccountsContext, parts: { management: AccountManagement; emails: EmailValidations }) {
    this.#context = context
    this.#management = parts.management
    this.#emails = parts.emails
  }

  /** Whether anybody can: there are passwords, and a mail server. */
  get isOffered(): boolean {
    return this.#context.options.sessions.passwords && this.#emails.isOffered
  }

  /** Has the owner of an address confirm it. @throws {MatrixError} as `EmailValidations.request` */
  sendEmail(address: string): Promise<EmailCredentials> {
    return this.#emails.begin('password', address)
  }

  /**
   * Sets the password of the account that a confirmed address belongs to.
   * @returns the user ID
   * @throws {MatrixError} `M_UNAUTHORIZED`: the address was not confirmed yet; `M_THREEPID_AUTH_FAILED`: that has expired, or was
   *   used; `M_THREEPID_NOT_FOUND`, `M_USER_LOCKED`, `M_WEAK_PASSWORD`, `M_INVALID_PARAM`, `M_LIMIT_EXCEEDED`
   */
  async setPassword(
    { sid, clientSecret }: EmailCredentials,
    password: string,
    options: { logoutDevices: boolean },
  ): Promise<string> {
    this.#management.checkPassword(password)
    const auth = { type: 'm.login.email.identity', threepid_creds: { sid, client_secret: clientSecret } }
    // Before the confirmation is used up: where too many wait to be hashed, the same link is good in a moment.
    const hash = await this.#context.passwords.hash(password)
    const userId = await this.#confirmed({ auth, new_password: password })
    await this.#management.setHashed(userId, hash, options)
    return userId
  }

  async #confirmed(body: { auth: object; new_password: string }): Promise<string> {
    try {
      return await this.#management.confirm(undefined, TARGET, body, { orByEmail: true })
    } catch (error) {
      throw (error instanceof InteractiveChallenge ? error.failure : undefined) ?? error
    }
  }
}
