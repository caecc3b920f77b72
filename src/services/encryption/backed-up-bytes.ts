import { MatrixError } from '../../core/errors.ts'
import type { BackedUpKey } from '../../storage/encryption/key-backups.ts'
import type { Bulletin } from '../bulletin.ts'
import type { EncryptionContext } from './context.ts'

/** What the keys of one user may take in all of their backups: of some five million sessions. */
const MOST_BYTES = 4 * 1024 * 1024 * 1024

/** After so many bytes of one user, on average, theirs are added up: that reads all of them. */
const LOOKED_AT_EVERY = 16 * 1024 * 1024

/** For so long nobody's are added up again who has too many, unless they delete some. Milliseconds. */
const REFUSED_MS = 60 * 60_000

/** Users who have too many and are remembered. */
const MAX_REMEMBERED = 1_000

interface Context extends Pick<EncryptionContext, 'read' | 'clock'> {
  readonly bulletin?: Pick<Bulletin, 'on' | 'post'> | undefined
}

/** Bounds what users have backed up by its bytes. When it is looked at is left to chance, as with messages that wait for devices. */
export class BackedUpBytes {
  readonly #context: Context
  readonly #most: number
  readonly #random: () => number
  /** Who has too many, and until when they are refused without looking. */
  readonly #full = new Map<string, number>()

  constructor(
    context: Context,
    { most = MOST_BYTES, random = Math.random }: { most?: number; random?: () => number } = {},
  ) {
    this.#context = context
    this.#most = most
    this.#random = random
    context.bulletin?.on('backup keys deleted', userId => this.#lookAgain(String(userId)))
  }

  /** @throws {MatrixError} `M_USER_LIMIT_EXCEEDED` where keys would go to somebody who is found to have too many */
  async check(userId: string, keys: readonly Pick<BackedUpKey, 'sessionData'>[]): Promise<void> {
    const now = this.#context.clock.now()
    const until = this.#full.get(userId)
    if (until !== undefined && now < until) throw tooMuch()
    const bytes = keys.reduce((sum, { sessionData }) => sum + Buffer.byteLength(sessionData), 0)
    if (until === undefined && this.#random() * LOOKED_AT_EVERY >= bytes) return
    this.#full.delete(userId)
    if ((await this.#context.read.backups.bytes(userId)) + bytes <= this.#most) return
    if (this.#full.size >= MAX_REMEMBERED) this.#full.clear()
    this.#full.set(userId, now + REFUSED_MS)
    throw tooMuch()
  }

  /** Somebody has deleted keys: what is left is added up before there are more, by whatever process. */
  async deleted(userId: string): Promise<void> {
    this.#lookAgain(userId)
    await this.#context.bulletin?.post('backup keys deleted', userId)
  }

  #lookAgain(userId: string): void {
    if (this.#full.has(userId)) this.#full.set(userId, 0)
  }
}

const tooMuch = (): MatrixError =>
  new MatrixError('M_USER_LIMIT_EXCEEDED', 'Too many keys are backed up already.')
