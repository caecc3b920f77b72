import { hash } from 'node:crypto'
import type { JsonValue } from '../../../core/json.ts'
import { type ClientMetadata, clientMetadata } from '../../../core/oauth/client-metadata.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { AccountsContext } from '../context.ts'

/** A client without a session that nobody has used for so long is forgotten. "Clients MUST perform a new client registration at the start of each authorisation flow." */
const UNUSED_MS = 30 * 86_400_000

/** Clients without a session that are remembered, since anybody can register them; those used longest ago go first. */
const MAX_UNUSED = 10_000

/** A client, as users are asked about it. */
export interface OAuthClient {
  readonly clientId: string
  readonly metadata: ClientMetadata
}

/** The clients that have registered (RFC 7591). */
export class OAuthClients {
  readonly #context: AccountsContext

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /**
   * Registers a client. Its ID follows from what it says of itself: "this can be mitigated by de-duplicating client
   * registrations that have identical metadata".
   *
   * @returns the answer: the ID, and what was registered
   * @throws {OAuthError} `invalid_client_metadata`, `invalid_redirect_uri`
   */
  async register(
    body: JsonValue,
  ): Promise<ClientMetadata & { client_id: string; client_id_issued_at: number }> {
    const metadata = clientMetadata(body)
    const text = JSON.stringify(metadata)
    const clientId = hash('sha256', text, 'base64url').slice(0, 26)
    const now = this.#context.clock.now()
    await this.#context.commit([this.#context.write.oauthClients.register(clientId, text, now)])
    return { client_id: clientId, client_id_issued_at: Math.floor(now / 1000), ...metadata }
  }

  /** A client that has registered. */
  async find(clientId: string): Promise<OAuthClient | undefined> {
    const text = await this.#context.read.oauthClients.byId(clientId)
    return text === undefined ? undefined : { clientId, metadata: JSON.parse(text) as ClientMetadata }
  }

  /** Forgets clients that nobody uses. */
  prune(): WriteStatement {
    const { clock, write } = this.#context
    return write.oauthClients.prune(clock.now() - UNUSED_MS, MAX_UNUSED)
  }
}
