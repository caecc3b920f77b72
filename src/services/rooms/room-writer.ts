import { LRUCache } from 'lru-cache'
import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import type { CommitResult, Database, WriteStatement } from '../../storage/database.ts'
import type { NidAllocator } from '../../storage/nids.ts'
import type { RoomReaders, RoomWriters } from '../../storage/rooms/index.ts'
import { SerialQueue } from '../serial-queue.ts'
import { loadHead, type RoomHead } from './room-head.ts'

/** What the room services share. */
export interface RoomsContext {
  readonly db: Database
  readonly read: RoomReaders
  readonly write: RoomWriters
  readonly nids: NidAllocator
  readonly clock: Clock
  readonly serverName: string
  /** Random bytes, for room IDs of old room versions. */
  readonly random: (size: number) => Uint8Array
}

/** What a job inside the room's queue hands over: statements to commit, and what to answer once they are durable. */
export interface Draft<T> {
  readonly statements: readonly WriteStatement[]
  /** The nids of events that the draft put into the event cache. */
  readonly nids: readonly number[]
  readonly result: (commit: CommitResult & { ok: true }) => T
  /** Decides about a failed guard other than `head`: a value to answer, or an error thrown. */
  readonly onGuard?: (guard: string) => Promise<T>
}

/** A job that needs nothing written answers this. */
export interface Settled<T> {
  readonly settled: T
}

type Outcome<T> = { readonly value: T } | { readonly retry: true }

/** How often a write is tried again when another process was faster. */
const MAX_ATTEMPTS = 20

/**
 * The one writer of each room in this process. Jobs of a room run one after another over its head; a job does not
 * wait for the commit of the job before it: the next event may build on one whose commit is in flight. If a commit
 * fails, all that was built on it fails with it (their head versions no longer fit) and is tried again from a fresh
 * head.
 */
export class RoomWriter {
  readonly context: RoomsContext
  readonly #queue = new SerialQueue()
  readonly #heads: LRUCache<string, RoomHead>

  constructor(context: RoomsContext, options: { maxHeads?: number } = {}) {
    this.context = context
    this.#heads = new LRUCache({ max: options.maxHeads ?? 2_000 })
  }

  /**
   * The current head of a room, for reading only; `undefined` if the room is not known. It may be ahead of the
   * database by commits in flight.
   */
  async head(roomId: string): Promise<RoomHead | undefined> {
    const cached = this.#heads.get(roomId)
    if (cached !== undefined) return cached
    // In the queue, so that a head is never loaded twice or underneath a writer.
    return this.#queue.run(roomId, () => this.#load(roomId))
  }

  /**
   * Runs `job` with the room's head and commits what it drafts. The job moves the head forward itself and must not
   * await anything but reads: network calls come before.
   *
   * Throws `M_NOT_FOUND` for a room that is not known here, and whatever the job throws.
   */
  async update<T>(roomId: string, job: (head: RoomHead) => Promise<Draft<T> | Settled<T>>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const drafted = await this.#queue.run(roomId, async () => {
        const head = await this.#load(roomId)
        if (head === undefined) throw new MatrixError('M_NOT_FOUND', 'This room is not known to this server')
        return this.#submit(roomId, head, job)
      })
      if ('settled' in drafted) return drafted.settled
      const outcome = await drafted.outcome
      if (!('retry' in outcome)) return outcome.value
      if (attempt === MAX_ATTEMPTS) {
        throw new MatrixError('M_UNKNOWN', 'The room is written to by too many at once', { status: 503 })
      }
    }
  }

  /**
   * Commits the first events of a room that is new to this server; `draft` makes head and statements together.
   * Runs in the room's queue, so that two joins of one room cannot both create it.
   */
  async create<T>(roomId: string, draft: () => Promise<{ head: RoomHead; draft: Draft<T> }>): Promise<T> {
    const drafted = await this.#queue.run(roomId, async () => {
      const made = await draft()
      this.#heads.set(roomId, made.head)
      return this.#submit(roomId, made.head, async () => made.draft)
    })
    if ('settled' in drafted) return drafted.settled
    const outcome = await drafted.outcome
    if ('retry' in outcome) throw new MatrixError('M_ROOM_IN_USE', 'The room exists already')
    return outcome.value
  }

  async #load(roomId: string): Promise<RoomHead | undefined> {
    const cached = this.#heads.get(roomId)
    if (cached !== undefined) return cached
    const head = await loadHead(this.context.read, roomId)
    if (head !== undefined) this.#heads.set(roomId, head)
    return head
  }

  async #submit<T>(
    roomId: string,
    head: RoomHead,
    job: (head: RoomHead) => Promise<Draft<T> | Settled<T>>,
  ): Promise<Settled<T> | { outcome: Promise<Outcome<T>> }> {
    const { revision } = head
    let draft: Draft<T> | Settled<T>
    try {
      draft = await job(head)
    } catch (error) {
      if (head.revision !== revision) this.#drop(roomId, head, [])
      throw error
    }
    if ('settled' in draft) return draft
    const bump = this.context.write.rooms.bump(head.room.nid, head.headVersion)
    head.headVersion += 1
    const commit = this.context.db.commit({
      statements: [...leading(draft.statements), bump, ...following(draft.statements)],
    })
    const outcome = this.#settle(roomId, head, commit, draft)
    outcome.catch(() => undefined)
    head.lastCommit = outcome.catch(() => undefined)
    return { outcome }
  }

  async #settle<T>(
    roomId: string,
    head: RoomHead,
    commit: Promise<CommitResult>,
    { nids, result, onGuard }: Draft<T>,
  ): Promise<Outcome<T>> {
    let committed: CommitResult
    try {
      committed = await commit
    } catch (error) {
      this.#drop(roomId, head, nids)
      throw error
    }
    if (committed.ok) return { value: result(committed) }
    this.#drop(roomId, head, nids)
    if (committed.guard === 'head') return { retry: true }
    if (onGuard !== undefined) return { value: await onGuard(committed.guard) }
    throw new Error(`guard ${committed.guard} failed`)
  }

  #drop(roomId: string, head: RoomHead, nids: readonly number[]): void {
    if (this.#heads.peek(roomId) === head) this.#heads.delete(roomId)
    this.context.read.events.forget(nids)
  }
}

/** The guard of the statement that makes a room's row. */
const ROOM_GUARD = 'room'

/** Statements that must come before the head is claimed: the room's own row. */
const leading = (statements: readonly WriteStatement[]): WriteStatement[] =>
  statements.filter(statement => statement.guard?.name === ROOM_GUARD)

const following = (statements: readonly WriteStatement[]): WriteStatement[] =>
  statements.filter(statement => statement.guard?.name !== ROOM_GUARD)
