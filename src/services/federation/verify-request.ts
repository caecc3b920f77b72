import { CanonicalJsonError, canonicalJson, canonicalJsonAsRead } from '../../core/canonical-json.ts'
import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { isServerName } from '../../core/ids.ts'
import type { JsonValue } from '../../core/json.ts'
import { hasMoreValues } from '../../core/parse-json.ts'
import { signedRequestBytes } from '../../network/request-signature.ts'
import type { CheckSignature } from './check-signature.ts'
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
  /** Reads the body when it is asked for; `undefined` where the request has none. */
  readonly body: () => Promise<SignedBody | undefined>
}

/** A body as it was sent, and what it says: reading that may take long. */
export interface SignedBody {
  readonly text: string
  readonly content: () => JsonValue
}

/**
 * Of a body that is not signed as it was sent no more values than about this many are read to find out whether it is signed in
 * canonical form: names of servers and of their keys are no secret, and reading millions of values takes seconds.
 */
const MAX_VALUES_UNPROVEN = 1_000_000

/** Decides whether a request is the origin's (server-server API, "Request Authentication"). */
export class RequestVerifier {
  readonly #serverName: string
  readonly #keys: KeyRing
  readonly #clock: Clock
  readonly #permits: Permits
  readonly #check: CheckSignature
  readonly #onHeardOf: (server: string) => void

  constructor(parts: {
    serverName: string
    keys: KeyRing
    clock: Clock
    permits: Permits
    check: CheckSignature
    /** Told of every server that has proven to be there. */
    onHeardOf: (server: string) => void
  }) {
    this.#serverName = parts.serverName
    this.#keys = parts.keys
    this.#clock = parts.clock
    this.#permits = parts.permits
    this.#check = parts.check
    this.#onHeardOf = parts.onHeardOf
  }

  /**
   * Throws `M_UNAUTHORIZED` (401) unless the request is for this server and signed with a key that the origin has in
   * use now; `M_FORBIDDEN` for servers that the operator does not talk to. The body is not read before there is a key.
   */
  async verify(request: SignedRequest): Promise<void> {
    const { origin, destination, keyId } = request
    if (!isServerName(origin)) throw unauthorized('The origin is not a server name')
    if (origin === this.#serverName) throw unauthorized('That is the name of this server')
    if (destination !== undefined && destination !== this.#serverName) {
      throw unauthorized(`This server is ${this.#serverName}, the request is for another`)
    }
    if (!this.#permits(origin)) throw new MatrixError('M_FORBIDDEN', 'This server does not talk to yours')
    const use = { validAt: this.#clock.now(), onBehalfOf: 'strangers' } as const
    const key = await this.#keys.publicKey(origin, keyId, use)
    if (key === undefined) throw unauthorized(`The key ${keyId} of ${origin} cannot be had`)
    const body = await request.body()
    if (!(await this.#isSigned(key, request, body))) throw unauthorized('The signature is wrong')
    this.#onHeardOf(origin)
  }

  /**
   * Most servers send what they have signed: such a body need not be read to be believed. What has no canonical form is refused all
   * the same. "Recipients should accept requests without this parameter" (`destination`), which is signed in any case.
   */
  async #isSigned(
    key: string,
    { method, uri, origin, signature }: SignedRequest,
    body: SignedBody | undefined,
  ): Promise<boolean> {
    const parts = { method, uri, origin, destination: this.#serverName }
    const isSignedAs = (text: string | undefined) =>
      this.#check(key, signedRequestBytes(parts, text), signature)
    const isSignedAsSent = await isSignedAs(body?.text)
    if (body === undefined) return isSignedAsSent
    if (!isSignedAsSent && hasMoreValues(body.text, MAX_VALUES_UNPROVEN))
      throw new MatrixError('M_TOO_LARGE', 'The signature is not of the body as it was sent')
    const content = body.content()
    const plain = writtenBy(canonicalJson, content)
    if (isSignedAsSent) return true
    // One event of a transaction with a number that has no canonical form must not cost the others their arrival: peers sign
    // it as the integer that it is, or as they have read it.
    return (await isSignedAs(plain)) || isSignedAs(writtenBy(canonicalJsonAsRead, content))
  }
}

const writtenBy = (canonical: (value: JsonValue) => string, content: JsonValue): string => {
  try {
    return canonical(content)
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error
    throw unauthorized(`The request has no canonical form: ${error.message}`)
  }
}

const unauthorized = (message: string): MatrixError => new MatrixError('M_UNAUTHORIZED', message)
