import { MatrixError } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { SignInSecrets } from '../../../network/openid/provider.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { AccountsContext } from '../context.ts'
import { hashToken } from '../secrets.ts'
import type { Newcomer } from './newcomers.ts'

/** How long somebody may take at a provider, and afterwards to choose a name. Milliseconds. */
const LIFETIME_MS = 3_600_000

/** How long somebody who has confirmed that they connect an account may take to go to the provider. Milliseconds. */
export const PERMIT_MS = 300_000

/** Sign-ins on the way that are kept at most, since anybody can begin one; the oldest go first. */
const MAX_SIGN_INS = 10_000

/** What a sign-in is for. */
export interface Errand {
  /** Where the browser goes afterwards: a path on this server. */
  readonly returnTo: string
  /** Which session of user-interactive authentication it is to confirm; then nobody is signed in. */
  readonly confirms?: string | undefined
  /** The user who wants to sign in with it from now on, and is signed in already. */
  readonly connects?: string | undefined
}

/** A sign-in that has begun, found by its `state`. */
export type Begun = Errand & SignInSecrets

/** What somebody has confirmed, found by a token that lets them begin it. */
export interface Permit {
  /** The user who may connect an account at the provider. */
  readonly mayConnect: string
}

/** A newcomer who is asked something, found by a token of theirs. */
export type Asked = Pick<Errand, 'returnTo'> & { readonly newcomer: Newcomer; readonly origin: string }

/** Sign-ins on the way. Each is known to the browser alone that has begun it, and good for one use. */
export class PendingSignIns {
  readonly #context: AccountsContext

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /**
   * Keeps one.
   * @param more.permit the token of what lets somebody begin it, which is used up
   * @throws {MatrixError} `M_NOT_FOUND`: that is used up already
   */
  async store(
    token: string,
    provider: string,
    browser: string,
    details: JsonObject,
    { permit, lifetimeMs = LIFETIME_MS }: { permit?: string | undefined; lifetimeMs?: number } = {},
  ): Promise<void> {
    const { clock, write } = this.#context
    const now = clock.now()
    const hashes = { tokenHash: hashToken(token), browserHash: hashToken(browser) }
    const kept = await this.#context.commit([
      ...(permit === undefined ? [] : [this.use(permit)]),
      write.providerSignIns.insert({
        ...hashes,
        provider,
        details,
        createdTs: now,
        expiresTs: now + lifetimeMs,
      }),
    ])
    if (!kept.ok) throw unknownSignIn()
  }

  /** One of this browser. @throws {MatrixError} `M_NOT_FOUND` */
  async find<Details>(token: string, browser: string): Promise<{ providerId: string; details: Details }> {
    const { clock, read } = this.#context
    const found = await read.providerSignIns.find(hashToken(token), hashToken(browser), clock.now())
    if (found === undefined) throw unknownSignIn()
    return { providerId: found.provider, details: found.details as unknown as Details }
  }

  /** Uses one up. Guard `sign-in-used`. */
  use(token: string): WriteStatement {
    return this.#context.write.providerSignIns.use(hashToken(token))
  }

  /** Removes what has expired. */
  prune(): WriteStatement[] {
    const { clock, write } = this.#context
    return write.providerSignIns.prune(clock.now() - LIFETIME_MS, MAX_SIGN_INS)
  }
}

export const unknownSignIn = (): MatrixError =>
  new MatrixError('M_NOT_FOUND', 'This browser has begun no such sign-in, or it has taken too long.')
