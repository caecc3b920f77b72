import { MatrixError } from '../../core/errors.ts'
import type { UserFlag } from '../../storage/accounts/user-writer.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AccountsContext } from './context.ts'

/**
 * What the command line does to accounts, beside a server that may be running. It revokes tokens, which counts within
 * `sessions.cacheMs`; devices are removed and rooms left by the server, within a minute or when it starts, since others are told of that.
 */
export class AccountCommands {
  readonly #context: AccountsContext

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /**
   * Sets a password.
   * @param options.endSessions whether the user is logged out everywhere
   * @throws {MatrixError} `M_WEAK_PASSWORD`, `M_INVALID_PARAM`, `M_NOT_FOUND`
   */
  async setPassword(userId: string, password: string, options: { endSessions: boolean }): Promise<void> {
    const { passwords, write } = this.#context
    passwords.check(password)
    const hash = await passwords.hash(password)
    await this.#commit([
      write.users.setPassword(userId, hash),
      ...(options.endSessions ? this.#sessionsEnd(userId) : []),
    ])
  }

  /** Logs a user out everywhere; an administrator ceases to act as others. @throws {MatrixError} `M_NOT_FOUND` */
  async endSessions(userId: string): Promise<void> {
    await this.#commit(this.#sessionsEnd(userId))
  }

  /** Switches what can be switched on an account. @throws {MatrixError} `M_NOT_FOUND` */
  async setFlag(userId: string, flag: UserFlag, value: boolean): Promise<void> {
    await this.#commit([this.#context.write.users.setFlag(userId, flag, value)])
  }

  /** Deactivates an account for good. @throws {MatrixError} `M_NOT_FOUND` */
  async deactivate(userId: string, options: { erase: boolean }): Promise<void> {
    const { clock, write } = this.#context
    await this.#commit([
      write.users.deactivate(userId, options.erase, clock.now()),
      write.tokens.dropUser(userId),
    ])
  }

  #sessionsEnd(userId: string): WriteStatement[] {
    const { write } = this.#context
    return [write.users.endSessions(userId), write.tokens.dropUser(userId), write.tokens.dropActing(userId)]
  }

  async #commit(statements: readonly WriteStatement[]): Promise<void> {
    const result = await this.#context.commit(statements)
    if (!result.ok) throw new MatrixError('M_NOT_FOUND', 'There is no such account, or it is deactivated.')
  }
}
