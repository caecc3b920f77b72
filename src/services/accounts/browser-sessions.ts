import { MatrixError } from '../../core/errors.ts'
import type { User } from '../../storage/accounts/users.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AccountsContext } from './context.ts'
import type { Login } from './login.ts'
import { hashToken, newToken } from './secrets.ts'
import { accountLocked } from './token-issuer.ts'

/** How long somebody stays signed in to the pages of this server: long enough for what they came for. */
const LIFETIME_MS = 3_600_000

/** So long after they have signed in, people need not show once more who they are. Milliseconds. */
const RECENT_MS = 300_000

/** Somebody who is signed in to the pages. */
export interface SignedIn extends User {
  /** Whether they can show with a password who they are. */
  readonly hasPassword: boolean
  /** Whether they have signed in just now. */
  readonly isRecent: boolean
  /** When they are so no longer (ms). */
  readonly expiresTs: number
  /** The session at a provider with which they have signed in (`providers/origin.ts`). */
  readonly origin: string | undefined
}

/** Who is signed in to the pages of this server in a browser. A session is a secret in a cookie; only its hash is stored. */
export class BrowserSessions {
  readonly #context: AccountsContext
  readonly #login: Login

  constructor(context: AccountsContext, login: Login) {
    this.#context = context
    this.#login = login
  }

  /** Whose session a secret is. Locked accounts have none. */
  async user(secret: string): Promise<SignedIn | undefined> {
    const { clock, options, read } = this.#context
    const now = clock.now()
    const session = await read.browserSessions.find(hashToken(secret), now)
    const user = session && (await read.users.byId(session.userId))
    if (session === undefined || user === undefined || user.isLocked) return undefined
    const hasPassword = options.sessions.passwords && user.passwordHash !== undefined
    const isRecent = session.expiresTs - LIFETIME_MS + RECENT_MS > now
    const { expiresTs, origin } = session
    return { ...user, hasPassword, isRecent, expiresTs, origin }
  }

  /**
   * Signs somebody in by password.
   * @param name their user name, user ID, or an e-mail address of theirs
   * @param ip the address that they come from
   * @returns the secret of the session
   * @throws {MatrixError} `M_FORBIDDEN`, `M_USER_LOCKED`
   */
  async signIn(name: string, password: string, ip?: string): Promise<string> {
    const isAddress = !name.startsWith('@') && name.includes('@')
    const named = isAddress ? { medium: 'email', address: name } : { user: name }
    return this.#commit(await this.#login.verify(named, password, { ip }))
  }

  /**
   * Signs somebody in who has shown otherwise who they are.
   * @returns the secret of the session
   * @throws {MatrixError} `M_USER_LOCKED`; `M_FORBIDDEN`: there is no such account (any more)
   */
  async signInAs(userId: string): Promise<string> {
    const user = await this.#context.read.users.byId(userId)
    if (user === undefined) throw new MatrixError('M_FORBIDDEN', 'There is no such account.')
    return this.#commit(user)
  }

  /**
   * Begins another session in place of one that has ended with all of its user, for as long as that had left: nobody has shown who they are by
   * ending it.
   * @returns the secret of the session
   * @throws {MatrixError} as `signInAs`
   */
  async goOn(ended: Pick<SignedIn, 'userId' | 'expiresTs' | 'origin'>): Promise<string> {
    const user = await this.#context.read.users.byId(ended.userId)
    if (user === undefined) throw new MatrixError('M_FORBIDDEN', 'There is no such account.')
    return this.#commit(user, ended)
  }

  async #commit(user: User, from: { origin?: string | undefined; expiresTs?: number } = {}): Promise<string> {
    const { secret, statements } = this.begin(user, from.origin, from.expiresTs)
    await this.#context.commit(statements)
    return secret
  }

  /**
   * The session of somebody who has shown who they are, and the statements that begin it.
   * @param origin the session at a provider by which they have, if by one
   * @param expiresTs when it ends (ms), if not a while after now
   * @throws {MatrixError} `M_USER_LOCKED`
   */
  begin(
    { userId, credentialVersion, isLocked }: Pick<User, 'userId' | 'credentialVersion' | 'isLocked'>,
    origin?: string,
    expiresTs = this.#context.clock.now() + LIFETIME_MS,
  ): { secret: string; statements: WriteStatement[] } {
    const { clock, random, write } = this.#context
    if (isLocked) throw accountLocked()
    const secret = newToken(random)
    return {
      secret,
      statements: [
        write.browserSessions.prune(clock.now()),
        write.browserSessions.insert({
          ...{ tokenHash: hashToken(secret), userId, credentialVersion, expiresTs, origin },
        }),
      ],
    }
  }

  /** Has the user show once more that they know the password. @throws {MatrixError} `M_FORBIDDEN` */
  async confirm(userId: string, password: string): Promise<void> {
    await this.#login.verify({ user: userId }, password, { userId })
  }

  /** Ends a session. */
  async signOut(secret: string): Promise<void> {
    await this.#context.commit([this.#context.write.browserSessions.delete(hashToken(secret))])
  }

  /** Removes what has expired. */
  async prune(): Promise<void> {
    const { clock, write } = this.#context
    await this.#context.commit([write.browserSessions.prune(clock.now())])
  }
}
