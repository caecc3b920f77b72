import { MatrixError } from '../../core/errors.ts'
import type { RegistrationToken } from '../../storage/accounts/registration-tokens.ts'
import type { AccountsContext } from './context.ts'
import { randomText } from './secrets.ts'

/** Letters and digits that survive being read out aloud. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789'

/** 20 of 56 characters: 116 bits. */
const LENGTH = 20

/** What an operator may choose about a registration token. */
export interface NewRegistrationToken {
  /** A word of one's own: 1 to 64 of A-Z a-z 0-9 . _ ~ -. By default a random one. */
  readonly token?: string | undefined
  /** How many accounts it may make; by default any number. */
  readonly usesAllowed?: number | undefined
  /** Of a random one; by default 20. */
  readonly length?: number | undefined
  /** Milliseconds since 1970; by default never. */
  readonly expiresTs?: number | undefined
}

/** Tokens that let people register ("Token-authenticated registration"). */
export class RegistrationTokens {
  readonly #context: AccountsContext

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /**
   * Makes a token.
   * @throws {MatrixError} `M_INVALID_PARAM`: not in the grammar, in the past, in use already
   */
  async create(wanted: NewRegistrationToken = {}): Promise<RegistrationToken> {
    const { clock, random, write } = this.#context
    const { usesAllowed, expiresTs } = wanted
    const token = wanted.token ?? randomText(random, ALPHABET, wanted.length ?? LENGTH)
    const createdTs = clock.now()
    if (!/^[A-Za-z0-9._~-]{1,64}$/.test(token)) throw invalid('A token has 1 to 64 of A-Z a-z 0-9 . _ ~ -')
    if (usesAllowed !== undefined && (!Number.isSafeInteger(usesAllowed) || usesAllowed < 0)) {
      throw invalid('A token cannot be used less than never.')
    }
    if (expiresTs !== undefined && !(Number.isSafeInteger(expiresTs) && expiresTs > createdTs)) {
      throw invalid('The expiry is not in the future.')
    }
    const result = await this.#context.commit([
      write.registrationTokens.insert({ token, usesAllowed, createdTs, expiresTs }),
    ])
    if (!result.ok) throw invalid('There is such a token already.')
    return { token, usesAllowed, pending: 0, completed: 0, createdTs, expiresTs }
  }

  /** All tokens, the oldest first, at most 1,000. */
  list(): Promise<RegistrationToken[]> {
    return this.#context.read.registrationTokens.list(this.#context.clock.now(), 1000)
  }

  /** One token. @throws {MatrixError} `M_NOT_FOUND` */
  async get(token: string): Promise<RegistrationToken> {
    const found = await this.#context.read.registrationTokens.byToken(token, this.#context.clock.now())
    if (found === undefined) throw noSuchToken()
    return found
  }

  /**
   * Changes how often a token may be used, and until when; `null`: without limit. What is not given stays.
   * @throws {MatrixError} `M_NOT_FOUND`; `M_INVALID_PARAM`: in the past
   */
  async change(
    token: string,
    wanted: {
      readonly usesAllowed?: number | null | undefined
      readonly expiresTs?: number | null | undefined
    },
  ): Promise<RegistrationToken> {
    const { clock, write } = this.#context
    const before = await this.get(token)
    const { usesAllowed = before.usesAllowed ?? null, expiresTs } = wanted
    if (typeof expiresTs === 'number' && expiresTs <= clock.now())
      throw invalid('The expiry is not in the future.')
    const expires = expiresTs === undefined ? (before.expiresTs ?? null) : expiresTs
    const result = await this.#context.commit([write.registrationTokens.change(token, usesAllowed, expires)])
    if (!result.ok) throw noSuchToken()
    return this.get(token)
  }

  /** Deletes a token. @throws {MatrixError} `M_NOT_FOUND` */
  async delete(token: string): Promise<void> {
    const result = await this.#context.commit([this.#context.write.registrationTokens.delete(token)])
    if (!result.ok) throw noSuchToken()
  }

  /**
   * Whether a token would be accepted now.
   * @throws {MatrixError} `M_FORBIDDEN`: nobody can register, so that no token is valid
   */
  async isValid(token: string): Promise<boolean> {
    const { clock, options, read } = this.#context
    if (options.registration.mode === 'closed') {
      throw new MatrixError('M_FORBIDDEN', 'Registration is closed on this server.')
    }
    const now = clock.now()
    const found = await read.registrationTokens.byToken(token, now)
    return found !== undefined && isUsable(found, now)
  }

  /** Those of the tokens that would, or would not, be accepted now if anybody could register. */
  async listBy(isValid: boolean | undefined): Promise<RegistrationToken[]> {
    const now = this.#context.clock.now()
    const all = await this.list()
    return isValid === undefined ? all : all.filter(token => isUsable(token, now) === isValid)
  }
}

const isUsable = ({ expiresTs, usesAllowed, completed, pending }: RegistrationToken, now: number): boolean =>
  (expiresTs === undefined || expiresTs > now) &&
  (usesAllowed === undefined || completed + pending < usesAllowed)

const noSuchToken = (): MatrixError => new MatrixError('M_NOT_FOUND', 'There is no such registration token.')

const invalid = (message: string): MatrixError => new MatrixError('M_INVALID_PARAM', message)
