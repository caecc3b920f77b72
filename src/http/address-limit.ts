import type { IncomingMessage } from 'node:http'
import { addressKey } from '../core/address-key.ts'
import { type IsServiceToken, isOfService } from './authentication.ts'
import type { RateLimiter } from './rate-limit.ts'

/**
 * The limit of an address (`ip`), which holds off whoever floods us. Those who work or live together share an address, and all their
 * clients ask several times a second while there is life in their rooms: they are counted by their accounts. So each request counts
 * here from the moment it comes, since of those that come at once nobody knows yet whose they are, until it is counted for an account:
 * never where its token is nobody's, where it is refused before that, or where it is beyond what the account may do.
 */
export class AddressLimit {
  readonly #limiter: Pick<RateLimiter, 'check' | 'takeBack'>
  readonly #isServiceToken: IsServiceToken | undefined

  constructor(limiter: Pick<RateLimiter, 'check' | 'takeBack'>, isServiceToken: IsServiceToken | undefined) {
    this.#limiter = limiter
    this.#isServiceToken = isServiceToken
  }

  /**
   * Before anything else is looked at.
   * @returns what to call, once, when the request has been counted for an account.
   * @throws {MatrixError} `M_LIMIT_EXCEEDED`
   */
  begin(request: IncomingMessage, ip: string): () => void {
    if (isOfService(this.#isServiceToken, request)) return () => {}
    const key = addressKey(ip)
    this.#limiter.check('ip', key)
    return () => this.#limiter.takeBack('ip', key)
  }
}
