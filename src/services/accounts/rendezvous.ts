import { MatrixError } from '../../core/errors.ts'
import type { RendezvousSession } from '../../storage/accounts/rendezvous.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { Requester } from '../requester.ts'
import type { AccountsContext } from './context.ts'
import { newOpaqueId } from './secrets.ts'

/** "the maximum timeout SHOULD be 300 seconds for security" */
const LIFETIME_MS = 300_000

/** "The server MUST enforce a maximum `data` field size of 4096 bytes." */
export const MAX_RENDEZVOUS_BYTES = 4096

/** Sessions at a time, since beginning one costs nothing; the oldest go first. */
const MAX_SESSIONS = 1_000

/** A session as it is answered. */
export interface CurrentRendezvous extends RendezvousSession {
  /** Milliseconds until it ends. */
  readonly expiresInMs: number
}

/**
 * Where a device that is signed in and one that shall be meet, after one has scanned the QR code of the other (MSC4388): a text that either
 * may read and replace. They encrypt it, so that this server learns nothing; whoever knows a session's ID may use it.
 */
export class Rendezvous {
  readonly #context: AccountsContext

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /** Where this server is reached, without a slash at the end. */
  get baseUrl(): string {
    return this.#context.options.email.baseUrl
  }

  /** Whether anybody may begin a session, and not only users. */
  get isOpen(): boolean {
    return this.#mode === 'anyone'
  }

  /**
   * Whether this requester could begin a session.
   * @throws {MatrixError} `M_UNRECOGNIZED`: that is switched off
   */
  mayCreate(requester: Requester | undefined): boolean {
    this.#check()
    return this.isOpen || (requester !== undefined && !requester.isGuest)
  }

  /**
   * Begins a session with a first text.
   * @throws {MatrixError} `M_UNRECOGNIZED`; `M_FORBIDDEN`: only users may; `M_TOO_LARGE`
   */
  async create(data: string, requester: Requester | undefined): Promise<CurrentRendezvous> {
    if (!this.mayCreate(requester)) {
      throw new MatrixError('M_FORBIDDEN', 'Only users of this server may begin a rendezvous')
    }
    checkSize(data)
    const { clock, random, write } = this.#context
    const now = clock.now()
    const session = {
      id: newOpaqueId(random),
      sequenceToken: newOpaqueId(random),
      data,
      writtenTs: now,
      expiresTs: now + LIFETIME_MS,
    }
    await this.#context.commit([write.rendezvous.insert(session), this.prune()])
    return { ...session, expiresInMs: LIFETIME_MS }
  }

  /**
   * What is there now.
   * @throws {MatrixError} `M_UNRECOGNIZED`; `M_NOT_FOUND`: there is no such session, or no more
   */
  async read(id: string): Promise<CurrentRendezvous> {
    this.#check()
    const now = this.#context.clock.now()
    const found = await this.#context.read.rendezvous.byId(id, now)
    if (found === undefined) throw unknownSession()
    return { ...found, expiresInMs: found.expiresTs - now }
  }

  /**
   * Replaces the text, if it still is the one that the caller has seen. A repetition of the last write is answered like that write.
   * @param seen the sequence token that came with it
   * @returns the session with its new sequence token
   * @param status of `IO_ELEMENT_MSC4388_CONCURRENT_WRITE`
   * @throws {MatrixError} `M_UNRECOGNIZED`, `M_NOT_FOUND`, `M_TOO_LARGE`; `IO_ELEMENT_MSC4388_CONCURRENT_WRITE`: it is another by now
   */
  async write(id: string, seen: string, data: string, status = 409): Promise<CurrentRendezvous> {
    checkSize(data)
    const { clock, random, write } = this.#context
    const before = await this.read(id)
    const session = { ...before, sequenceToken: newOpaqueId(random), data, writtenTs: clock.now() }
    const result = await this.#context.commit([write.rendezvous.replace(seen, session)])
    if (result.ok) return session
    const current = await this.read(id)
    if (current.data === data) return current
    throw new MatrixError(
      'IO_ELEMENT_MSC4388_CONCURRENT_WRITE',
      'The other side has written in the meantime',
      {
        status,
      },
    )
  }

  /**
   * Ends a session.
   * @throws {MatrixError} `M_UNRECOGNIZED`, `M_NOT_FOUND`
   */
  async cancel(id: string): Promise<void> {
    this.#check()
    const { clock, write } = this.#context
    const result = await this.#context.commit([write.rendezvous.delete(id, clock.now())])
    if (!result.ok) throw unknownSession()
  }

  /** Removes what has expired. */
  prune(): WriteStatement {
    const { clock, write } = this.#context
    return write.rendezvous.prune(clock.now(), MAX_SESSIONS)
  }

  get #mode(): 'off' | 'users' | 'anyone' {
    const { oauth } = this.#context.options
    return oauth.enabled ? oauth.qrCodes : 'off'
  }

  #check(): void {
    if (this.#mode === 'off')
      throw new MatrixError('M_UNRECOGNIZED', 'Signing in by QR code is not in use here')
  }
}

const checkSize = (data: string): void => {
  if (Buffer.byteLength(data) > MAX_RENDEZVOUS_BYTES) {
    throw new MatrixError('M_TOO_LARGE', `The data may have ${MAX_RENDEZVOUS_BYTES} bytes`)
  }
}

const unknownSession = (): MatrixError =>
  new MatrixError('M_NOT_FOUND', 'There is no such rendezvous, or it has ended')
