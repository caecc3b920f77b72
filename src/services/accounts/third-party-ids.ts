import { canonicalEmail } from '../../core/email-address.ts'
import { MatrixError } from '../../core/errors.ts'
import type { IdentityServers } from '../../network/identity-servers.ts'
import type { Binding, ThirdPartyId } from '../../storage/accounts/third-party-ids.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AccountsContext } from './context.ts'
import { threepidInUse } from './email-refusals.ts'
import type { EmailCredentials, EmailValidations, ValidatedEmail } from './email-validation.ts'
import { askIdentityServer, UnbindNotSupported } from './identity-errors.ts'

/** Third-party identifiers of one account, and bindings that are remembered of it. */
const MAX_IDS = 100

/** Credentials of a session with an identity server. */
export interface BindRequest {
  readonly client_secret: string
  readonly id_server: string
  readonly id_access_token: string
  readonly sid: string
}

/** What is to be removed or unbound; from which identity server, if not from where it was bound. */
export interface UnbindRequest extends ThirdPartyId {
  readonly id_server?: string
}

/** Whether the identity server has forgotten the identifier. */
export type UnbindResult = 'success' | 'no-support'

/** What is asked of identity servers here. */
type Binders = Pick<IdentityServers, 'bind' | 'unbind'>

/** The third-party identifiers of accounts ("Adding Account Administrative Contact Information"). */
export class ThirdPartyIds {
  readonly #context: AccountsContext
  readonly #emails: EmailValidations
  readonly #identityServers: Binders | undefined

  constructor(
    context: AccountsContext,
    parts: { emails: EmailValidations; identityServers: Binders | undefined },
  ) {
    this.#context = context
    this.#emails = parts.emails
    this.#identityServers = parts.identityServers
  }

  /** What a user has added to their account. */
  async list(userId: string) {
    const ids = await this.#context.read.threepids.byUser(userId)
    return ids.map(({ medium, address, validatedTs, addedTs }) => ({
      medium: medium as 'email' | 'msisdn',
      address,
      validated_at: validatedTs,
      added_at: addedTs,
    }))
  }

  /** The e-mail addresses that a user has added, which are validated. */
  async addressesOf(userId: string): Promise<string[]> {
    const ids = await this.#context.read.threepids.byUser(userId)
    return ids.flatMap(({ medium, address }) => (medium === 'email' ? address : []))
  }

  /** The user who has added an e-mail address (canonical). */
  async ownerOf(address: string): Promise<string | undefined> {
    return this.#context.read.threepids.owner({ medium: 'email', address })
  }

  /**
   * Adds an address that was validated for that. Doing it again changes nothing.
   * @throws {MatrixError} `M_THREEPID_AUTH_FAILED`, `M_THREEPID_IN_USE`, `M_USER_LIMIT_EXCEEDED`
   */
  async add(userId: string, credentials: EmailCredentials): Promise<void> {
    const { read } = this.#context
    const validated = await this.#emails.validated('add', credentials)
    const owner = await read.threepids.owner({ medium: 'email', address: validated.address })
    if (owner === userId) return
    if (owner === undefined && (await read.threepids.byUser(userId)).length >= MAX_IDS) throw tooMany()
    const result = await this.#context.commit([this.addition(userId, validated)])
    if (!result.ok) throw threepidInUse()
    this.added(userId)
  }

  /** Says that a user has a new address, durably. What follows from it is nobody's wait. */
  added(userId: string): void {
    this.#context.hooks.onAddress?.(userId).catch(this.#context.onError)
  }

  /**
   * The statement that adds a validated address. Guard: `threepid-in-use`. The validation stays good until it expires, for
   * clients that lose the answer.
   */
  addition(
    userId: string,
    { address, validatedTs }: Pick<ValidatedEmail, 'address' | 'validatedTs'>,
  ): WriteStatement {
    const { clock, write } = this.#context
    return write.threepids.insert(userId, { medium: 'email', address, validatedTs, addedTs: clock.now() })
  }

  /** Removes an identifier from an account, and asks to have it unbound. What is not there is no error. */
  async delete(userId: string, request: UnbindRequest): Promise<UnbindResult> {
    const id = canonicalId(request)
    await this.#context.commit([this.#context.write.threepids.delete(userId, id)])
    return this.#unbindSilently(userId, await this.#bindingsOf(userId, { ...request, ...id }))
  }

  /**
   * Binds an identifier at an identity server, whose errors are passed on.
   * @throws {MatrixError} `M_USER_LIMIT_EXCEEDED`; the identity server's error; `M_CONNECTION_FAILED`, …
   */
  async bind(userId: string, request: BindRequest): Promise<void> {
    const { clock, read, write } = this.#context
    if ((await read.threepids.bindings(userId)).length >= MAX_IDS) throw tooMany()
    const { id_server: idServer, id_access_token: accessToken, sid, client_secret: clientSecret } = request
    const id = await this.#ask(servers => servers.bind(idServer, { accessToken, sid, clientSecret, userId }))
    await this.#context.commit([write.threepids.bind(userId, { ...canonicalId(id), idServer }, clock.now())])
  }

  /**
   * Unbinds an identifier, and leaves it with the account. "If this endpoint returns a JSON Matrix error, that error
   * should be passed through"; any other refusal means that the identity server cannot do it.
   *
   * @throws {MatrixError} the identity server's error; `M_CONNECTION_FAILED`, …
   */
  async unbind(userId: string, request: UnbindRequest): Promise<UnbindResult> {
    const bindings = await this.#bindingsOf(userId, { ...request, ...canonicalId(request) })
    return bindings.length === 0 ? 'no-support' : this.#unbind(userId, bindings)
  }

  /** Unbinds everything that a user has bound through us, at a given identity server or where it was bound. */
  async unbindAll(userId: string, idServer: string | undefined): Promise<UnbindResult> {
    const { read } = this.#context
    const bound = await read.threepids.bindings(userId)
    if (idServer === undefined) return bound.length === 0 ? 'success' : this.#unbindSilently(userId, bound)
    const ids = new Map(
      [...bound, ...(await read.threepids.byUser(userId))].map(({ medium, address }) => [
        JSON.stringify([medium, address]),
        { medium, address, idServer },
      ]),
    )
    return ids.size === 0 ? 'success' : this.#unbindSilently(userId, [...ids.values()])
  }

  /** "If not provided, the homeserver MUST use the `id_server` the identifier was added through." */
  async #bindingsOf(
    userId: string,
    { id_server: idServer, medium, address }: UnbindRequest,
  ): Promise<Binding[]> {
    if (idServer !== undefined) return [{ medium, address, idServer }]
    const all = await this.#context.read.threepids.bindings(userId)
    return all.filter(binding => binding.medium === medium && binding.address === address)
  }

  async #unbindSilently(userId: string, bindings: readonly Binding[]): Promise<UnbindResult> {
    if (bindings.length === 0) return 'no-support'
    // One identity server that is down keeps no other from being asked, nor waiting.
    const results = await Promise.all(
      Array.from(
        Map.groupBy(bindings, ({ idServer }) => idServer).values(),
        async (ofServer): Promise<UnbindResult> => {
          try {
            return await this.#unbind(userId, ofServer)
          } catch (error) {
            if (!(error instanceof MatrixError)) throw error
            return 'no-support'
          }
        },
      ),
    )
    return results.every(result => result === 'success') ? 'success' : 'no-support'
  }

  async #unbind(userId: string, bindings: readonly Binding[]): Promise<UnbindResult> {
    let result: UnbindResult = 'success'
    for (const binding of bindings) {
      const { medium, address, idServer } = binding
      try {
        await this.#ask(servers => servers.unbind(idServer, { medium, address, userId }))
        await this.#context.commit([this.#context.write.threepids.unbind(userId, [binding])])
      } catch (error) {
        if (!(error instanceof UnbindNotSupported)) throw error
        result = 'no-support'
      }
    }
    return result
  }

  async #ask<T>(question: (servers: Binders) => Promise<T>): Promise<T> {
    return askIdentityServer(this.#identityServers, question)
  }
}

const tooMany = (): MatrixError =>
  new MatrixError('M_USER_LIMIT_EXCEEDED', 'Your account has too many third-party identifiers.')

/** @throws {MatrixError} `M_INVALID_PARAM` for what can be no address, nor be signed */
const canonicalId = ({ medium, address }: ThirdPartyId): ThirdPartyId => {
  if (!address.isWellFormed()) throw new MatrixError('M_INVALID_PARAM', 'The address is no well-formed text.')
  return { medium, address: medium === 'email' ? (canonicalEmail(address) ?? address) : address }
}
