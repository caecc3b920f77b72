import { MatrixError } from '../../core/errors.ts'
import type { AccountsContext } from './context.ts'
import type { Registration } from './registration.ts'
import { hashToken, newToken } from './secrets.ts'

/** How long the link works, in milliseconds. */
const LIFETIME_MS = 86_400_000

/**
 * The one-time link by which the first administrator is made. Only its hash is stored; it works once, for a day, and
 * only while the server has no administrator.
 */
export class SetupLink {
  readonly #context: AccountsContext
  readonly #registration: Registration

  constructor(context: AccountsContext, registration: Registration) {
    this.#context = context
    this.#registration = registration
  }

  /** A new token for the link; earlier ones stop working. `undefined`: the server has an administrator, or no use for a password. */
  async issue(): Promise<string | undefined> {
    const { clock, options, random, read, write } = this.#context
    if (!options.sessions.passwords || (await read.users.hasAdmin())) return undefined
    const token = newToken(random)
    const now = clock.now()
    const row = { tokenHash: hashToken(token), purpose: 'setup', subject: undefined } as const
    await this.#context.commit([
      write.oneTime.revokeAll('setup'),
      ...write.oneTime.insert({ ...row, createdTs: now, expiresTs: now + LIFETIME_MS }, 1),
    ])
    return token
  }

  /** Whether a token would work now. */
  async isOpen(token: string): Promise<boolean> {
    const { clock, read } = this.#context
    if ((await read.oneTime.find(hashToken(token), 'setup', clock.now())) === undefined) return false
    return !(await read.users.hasAdmin())
  }

  /**
   * Makes the first administrator and uses the token up. If the account cannot be made, the token still works.
   * @returns the user ID
   * @throws {MatrixError} `M_FORBIDDEN`: the token does not work (any more); and as `Registration.createUser`
   */
  async createAdministrator(token: string, account: { username: string; password: string }): Promise<string> {
    const refusal = new MatrixError('M_FORBIDDEN', 'This link has expired or was used already.')
    if (!(await this.isOpen(token))) throw refusal
    const proof = [this.#context.write.oneTime.redeem(hashToken(token), 'setup', this.#context.clock.now())]
    const made = await this.#registration.createUser({ ...account, isAdmin: true }, proof)
    if ('refused' in made) throw refusal
    return made.userId
  }
}
