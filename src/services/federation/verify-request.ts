import { CanonicalJsonError, canonicalJson, canonicalJsonAsRead } from '../../core/canonical-json.ts'
import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { isServerName } from '../../core/ids.ts'
import type { JsonValue } from '../../core/json.ts'
import { verifySignature } from '../../core/signing.ts'
import { signedRequestObject } from '../../network/request-signature.ts'
import type { KeyRing } from './keys/key-ring.ts'
import type { Permits } from './options.ts'

/** A request with the credentials of its `X-Matrix` header. */
export interface SignedRequest {
  readonly method: string
  readonly uri: string
  readonly origin: string
  readonly destination: string | undefined
  readonly keyId: string
  readonly signature: string
  readonly content: JsonValue | undefined
}

/** Decides whether a request is the origin's (server-server API, "Request Authentication"). */
export class RequestVerifier {
  readonly #serverName: string
  readonly #keys: KeyRing
  readonly #clock: Clock
  readonly #permits: Permits
  readonly #onHeardOf: (server: string) => void

  constructor(parts: {
    serverName: string
    keys: KeyRing
    clock: Clock
    permits: Permits
    /** Told of every server that has proven to be there. */
    onHeardOf: (server: string) => void
  }) {
    this.#serverName = parts.serverName
    this.#keys = parts.keys
    this.#clock = parts.clock
    this.#permits = parts.permits
    this.#onHeardOf = parts.onHeardOf
  }

  /**
   * Throws `M_UNAUTHORIZED` (401) unless the request is for this server and signed with a key that the origin has in
   * use now; `M_FORBIDDEN` for servers that the operator does not talk to.
   */
  async verify(request: SignedRequest): Promise<void> {
    const { origin, destination, keyId, signature } = request
    if (!isServerName(origin)) throw unauthorized('The origin is not a server name')
    if (origin === this.#serverName) throw unauthorized('That is the name of this server')
    if (destination !== undefined && destination !== this.#serverName) {
      throw unauthorized(`This server is ${this.#serverName}, the request is for another`)
    }
    if (!this.#permits(origin)) throw new MatrixError('M_FORBIDDEN', 'This server does not talk to yours')
    const key = await this.#keys.publicKey(origin, keyId, { validAt: this.#clock.now(), forStrangers: true })
    if (key === undefined) throw unauthorized(`The key ${keyId} of ${origin} cannot be had`)
    const isSigned = (canonical: (value: JsonValue) => string): boolean =>
      verifySignature(key, signedMessage(request, this.#serverName, canonical), signature)
    // One event of a transaction with a number that has no canonical form must not cost the others their arrival: peers sign
    // it as the integer that it is, or as they have read it.
    if (!isSigned(canonicalJson) && !isSigned(canonicalJsonAsRead))
      throw unauthorized('The signature is wrong')
    this.#onHeardOf(origin)
  }
}

/**
 * What is signed, as `canonical` writes it. "Recipients should accept requests without this parameter" (`destination`), which
 * is part of it in any case.
 */
const signedMessage = (
  { method, uri, origin, content }: SignedRequest,
  destination: string,
  canonical: (value: JsonValue) => string,
): Uint8Array => {
  const withContent = content === undefined ? {} : { content }
  try {
    return Buffer.from(canonical(signedRequestObject({ method, uri, origin, destination, ...withContent })))
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error
    throw unauthorized(`The request has no canonical form: ${error.message}`)
  }
}

const unauthorized = (message: string): MatrixError => new MatrixError('M_UNAUTHORIZED', message)
