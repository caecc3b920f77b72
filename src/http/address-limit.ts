import type { IncomingMessage } from 'node:http'
import { MatrixError } from '../core/errors.ts'
import { bearerOf, type IsServiceToken, isOfService } from './authentication.ts'
import { addressKey } from './client-address.ts'
import type { RateLimiter } from './rate-limit.ts'

/**
 * The limit of an address (`ip`), which holds off whoever floods us. Those who work or live together share an address, and all their
 * clients ask several times a second while there is life in their rooms: they are counted by their accounts. So whoever shows a token
 * counts here only where it turns out to be nobody's, or where they are beyond what their account may do.
 */
export class AddressLimit {
  readonly #limiter: Pick<RateLimiter, 'check'>
  readonly #isServiceToken: IsServiceToken | undefined

  constructor(limiter: Pick<RateLimiter, 'check'>, isServiceToken: IsServiceToken | undefined) {
    this.#limiter = limiter
    this.#isServiceToken = isServiceToken
  }

  /**
   * Before anything else is looked at.
   * @returns whether the request has been counted; if not, what has become of it is to be told to `end`.
   * @throws {MatrixError} `M_LIMIT_EXCEEDED`
   */
  begin(request: IncomingMessage, ip: string): boolean {
    if (isOfService(this.#isServiceToken, request)) return true
    const isCounted = bearerOf(request) === undefined
    this.#limiter.check('ip', addressKey(ip), isCounted ? 1 : 0)
    return isCounted
  }

  /** @param answer.isKnown whether it was by somebody with an account. */
  end(ip: string, answer: { readonly isKnown: boolean; readonly status: number }): void {
    if (answer.isKnown && answer.status !== 429) return
    try {
      this.#limiter.check('ip', addressKey(ip))
    } catch (error) {
      // Answered it is; the next one is not.
      if (!(error instanceof MatrixError)) throw error
    }
  }
}
