import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { MatrixError } from '../../core/errors.ts'
import { fitsBytes } from '../../core/ids.ts'
import { isBcrypt, matchesBcrypt } from './bcrypt.ts'
import { BoundedPool, PoolFull } from './bounded-pool.ts'

const require = createRequire(import.meta.url)

/** Loaded with the first password: it takes 3 MB. */
const argon2 = (): typeof import('@node-rs/argon2') => require('@node-rs/argon2')

/** The cost of hashing (argon2id), and what a password must be. */
export interface PasswordOptions {
  /** Memory of one hash, in KiB. */
  readonly memoryKib: number
  /** Passes over that memory. */
  readonly iterations: number
  /** Threads of one hash. */
  readonly parallelism: number
  /** How many are computed at once. They share the thread pool with DNS and file access. */
  readonly concurrency: number
  /** How many may wait for that; more are refused. */
  readonly maxWaiting: number
  /** In code points. */
  readonly minimumLength: number
  /** What Synapse put after passwords before it hashed them, where accounts were imported from one. */
  readonly bcryptPepper?: string | undefined
}

export const DEFAULT_PASSWORD_OPTIONS: PasswordOptions = {
  memoryKib: 19_456,
  iterations: 2,
  parallelism: 1,
  concurrency: 2,
  maxWaiting: 256,
  minimumLength: 8,
}

/** Long enough for any pass phrase, short enough to cost nothing. */
const MAX_PASSWORD_BYTES = 4096

/**
 * What a stored hash may cost beyond today's settings: any that settings have sensibly asked for, and none that takes the memory or the
 * minutes of everybody else's logins (an earlier version kept hashes that clients had sent).
 */
const MOST = { memoryKib: 2 * 1024 * 1024, memoryTimesPasses: 8 * 1024 * 1024, parallelism: 16 }

/** The same password from another keyboard may come in another normal form (RFC 8265, "OpaqueString": NFC). */
const bytesOf = (password: string): Buffer => Buffer.from(password.normalize('NFC'))

/** Hashes and verifies passwords, off the main thread and a bounded number at once. */
export class Passwords {
  readonly #options: PasswordOptions
  readonly #pool: BoundedPool
  /** The hash of a password that nobody has: for users who do not exist, so that they cost the same time. */
  #decoy: Promise<string> | undefined

  constructor(options: PasswordOptions) {
    this.#options = options
    this.#pool = new BoundedPool(options.concurrency, options.maxWaiting)
  }

  /**
   * Checks a password that somebody wants to have.
   * @throws {MatrixError} `M_WEAK_PASSWORD`, `M_INVALID_PARAM`
   */
  check(password: string): void {
    const { minimumLength } = this.#options
    if (!password.isWellFormed() || !fitsBytes(password, MAX_PASSWORD_BYTES)) {
      throw new MatrixError('M_INVALID_PARAM', 'The password is too long, or no well-formed text.')
    }
    if ([...password].length < Math.max(minimumLength, 1)) {
      throw new MatrixError('M_WEAK_PASSWORD', `The password must have at least ${minimumLength} characters.`)
    }
  }

  /**
   * Hashes a password into a PHC string with a salt of its own.
   * @throws {MatrixError} `M_LIMIT_EXCEEDED` when too many are waiting
   */
  hash(password: string): Promise<string> {
    const { memoryKib, iterations, parallelism } = this.#options
    return this.#run(() =>
      argon2().hash(bytesOf(password), { memoryCost: memoryKib, timeCost: iterations, parallelism }),
    )
  }

  /**
   * What is kept of a password that is only to be recognised: always the same, and made at the cost of its hash.
   * @param salt whose it is
   * @throws {MatrixError} as `hash`
   */
  digest(password: string, salt: string): Promise<string> {
    const { memoryKib, iterations, parallelism } = this.#options
    const cost = { memoryCost: memoryKib, timeCost: iterations, parallelism }
    const salted = { ...cost, salt: createHash('sha256').update(salt).digest() }
    return this.#run(async () => (await argon2().hashRaw(bytesOf(password), salted)).toString('base64url'))
  }

  /**
   * Whether a password is the one that was hashed. Without a hash, or with one that nobody can have asked for, the answer is `false`,
   * after as long a time.
   * @throws {MatrixError} `M_LIMIT_EXCEEDED` when too many are waiting
   */
  async verify(password: string, phc: string | undefined): Promise<boolean> {
    if (!password.isWellFormed() || !fitsBytes(password, MAX_PASSWORD_BYTES)) return false
    if (phc !== undefined && isBcrypt(phc)) {
      return this.#run(() => matchesBcrypt(password, this.#options.bcryptPepper ?? '', phc))
    }
    const isUsable = phc !== undefined && this.#isUsable(phc)
    if (!isUsable && this.#decoy === undefined) {
      this.#decoy = this.hash('decoy')
      this.#decoy.catch(() => {
        this.#decoy = undefined
      })
    }
    const target = isUsable ? phc : await this.#decoy
    const same = await this.#run(() => argon2().verify(target ?? '', bytesOf(password)))
    return same && isUsable
  }

  /** Whether a hash was made at another cost than today's, or in another way (bcrypt, of an import). */
  isOutdated(phc: string): boolean {
    if (isBcrypt(phc)) return true
    const { memoryKib, iterations, parallelism } = this.#options
    const made = argon2().parseOptions(phc)
    return made.memoryCost !== memoryKib || made.timeCost !== iterations || made.parallelism !== parallelism
  }

  /** Whether it is a hash of a cost that is worth its while. */
  #isUsable(phc: string): boolean {
    if (!phc.startsWith('$argon2')) return false
    const { memoryKib, iterations, parallelism } = this.#options
    try {
      const made = argon2().parseOptions(phc)
      return (
        made.memoryCost <= Math.max(MOST.memoryKib, memoryKib) &&
        made.memoryCost * made.timeCost <= Math.max(MOST.memoryTimesPasses, memoryKib * iterations) &&
        made.parallelism <= Math.max(MOST.parallelism, parallelism)
      )
    } catch {
      return false
    }
  }

  async #run<T>(job: () => Promise<T>): Promise<T> {
    try {
      return await this.#pool.run(job)
    } catch (error) {
      if (!(error instanceof PoolFull)) throw error
      throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many logins at once.', {
        fields: { retry_after_ms: 2000 },
        headers: { 'Retry-After': '2' },
        cause: error,
      })
    }
  }
}
