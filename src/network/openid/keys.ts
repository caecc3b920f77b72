import type { Clock } from '../../core/clock.ts'
import type { OutboundResponse } from '../http-client.ts'
import { explained, OpenIdError } from './errors.ts'

/** How long keys are believed. */
const KEYS_MS = 600_000

/** Between two looks at them because of tokens that none of them has signed: whoever sends such does not have it asked each time. */
const AGAIN_MS = 60_000

/** A provider's public keys (JWKS), as they are known for logout tokens. */
export class ProviderKeys {
  readonly #clock: Clock
  #known: { readonly readTs: number; readonly jwks: object } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * The keys.
   * @param isFresh whether those that are known were of no use
   * @throws {OpenIdError}
   */
  async get(isFresh: boolean, read: () => Promise<OutboundResponse>): Promise<object> {
    const now = this.#clock.now()
    const age = now - (this.#known?.readTs ?? Number.NEGATIVE_INFINITY)
    if (this.#known !== undefined && age < (isFresh ? AGAIN_MS : KEYS_MS)) return this.#known.jwks
    const { status, body } = await explained(read)
    if (status !== 200) throw new OpenIdError('invalid', `the provider answers ${status} for its keys`)
    const jwks = await explained(async () => JSON.parse(body.toString()) as object)
    this.#known = { readTs: now, jwks }
    return jwks
  }
}
