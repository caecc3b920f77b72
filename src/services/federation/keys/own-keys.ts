import type { Clock } from '../../../core/clock.ts'
import type { JsonObject } from '../../../core/json.ts'
import { type SigningKey, signJson } from '../../../core/signing.ts'

/** A key of this server that signs no more. */
export interface RetiredKey {
  readonly keyId: string
  /** Unpadded base64. */
  readonly publicKey: string
  /** Milliseconds since 1970. */
  readonly expiredTs: number
}

/** How long others may rely on what we publish before they ask again. */
const LIFETIME_MS = 24 * 60 * 60_000

/** The keys of this server as it publishes them (server-server API, "Publishing Keys"). */
export class OwnKeys {
  readonly serverName: string
  readonly #active: readonly SigningKey[]
  readonly #retired: readonly RetiredKey[]
  readonly #clock: Clock
  #document: { readonly json: JsonObject; readonly freshUntil: number } | undefined

  constructor(parts: {
    serverName: string
    /** All of them are published and sign what is published. */
    active: readonly SigningKey[]
    retired?: readonly RetiredKey[]
    clock: Clock
  }) {
    this.serverName = parts.serverName
    this.#active = parts.active
    this.#retired = parts.retired ?? []
    this.#clock = parts.clock
  }

  /** The public key with this ID, whether or not it still signs. */
  publicKey(keyId: string): string | undefined {
    return [...this.#active, ...this.#retired].find(key => key.keyId === keyId)?.publicKey
  }

  /** The signed document. Made anew when half of its lifetime is over, so that none is about to expire. */
  document(): JsonObject {
    const now = this.#clock.now()
    if (this.#document === undefined || this.#document.freshUntil <= now) {
      this.#document = { json: this.#build(now), freshUntil: now + LIFETIME_MS / 2 }
    }
    return this.#document.json
  }

  /** Signs an object with every active key. */
  sign(object: JsonObject): JsonObject {
    return this.#active.reduce((signed, key) => signJson(signed, this.serverName, key), object)
  }

  #build(now: number): JsonObject {
    return this.sign({
      server_name: this.serverName,
      valid_until_ts: now + LIFETIME_MS,
      verify_keys: Object.fromEntries(this.#active.map(key => [key.keyId, { key: key.publicKey }])),
      old_verify_keys: Object.fromEntries(
        this.#retired.map(key => [key.keyId, { expired_ts: key.expiredTs, key: key.publicKey }]),
      ),
    })
  }
}
