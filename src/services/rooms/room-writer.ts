import { MatrixError } from '../../core/errors.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { type Answer, andThen } from '../answer.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { AskPolicyServer } from './ports.ts'
import {
  type Attempted,
  commitDraft,
  type Draft,
  GuardFailed,
  HEAD_GUARD,
  isReady,
  type Job,
  type Outcome,
  ROOM_GUARD,
  RoomContended,
  type Settled,
  type Submitted,
  type UpdateOptions,
} from './room-drafts.ts'
import type { RoomHead } from './room-head.ts'
import { RoomHeads } from './room-heads.ts'
import type { RoomsContext } from './rooms-context.ts'

export { type Draft, GuardFailed, RoomContended, type Settled } from './room-drafts.ts'
export type { RoomsContext } from './rooms-context.ts'

/** What takes a room away, and what is done once it is away. */
type RemovalJob = () => Promise<
  { readonly statements: readonly WriteStatement[]; after(): Promise<void> } | undefined
>

/** How often a write is tried again when another process was faster. */
const MAX_ATTEMPTS = 20

/**
 * The one writer of each room in this process. Jobs of a room run one after another over its head; a job does not
 * wait for the commit of the job before it: the next event may build on one whose commit is in flight. If a commit
 * fails, all that was built on it fails with it (their head versions no longer fit) and is tried again from a fresh
 * head. What a job refuses, or finds done already, is said only once what it has looked at is durable.
 */
export class RoomWriter {
  readonly context: RoomsContext
  /** Told after a commit that leaves the room's graph with several ends. Must not throw. */
  onForked: ((head: RoomHead) => void) | undefined
  /** How policy servers are asked; not at all where there is no federation. */
  askPolicyServer: AskPolicyServer | undefined
  readonly #queue = new SerialQueue()
  readonly #heads: RoomHeads

  constructor(context: RoomsContext, options: { maxHeadEntries?: number } = {}) {
    this.context = context
    this.#heads = new RoomHeads(context, options.maxHeadEntries)
  }

  /**
   * The current head of a room, for reading only; `undefined` if the room is not known. It may be ahead of the
   * database by commits in flight, and is not behind what other processes have committed.
   */
  async head(roomId: string): Promise<RoomHead | undefined> {
    const known = await this.recentHead(roomId)
    return known !== undefined && (await this.#isBehind(known)) ? this.recentHead(roomId) : known
  }

  /** The same, cheaper: other processes may have moved the room on in the meantime. */
  recentHead(roomId: string): Answer<RoomHead | undefined> {
    // In the queue, so that a head is never loaded twice or underneath a writer.
    return this.#heads.known(roomId) ?? this.#queue.run(roomId, async () => this.#heads.load(roomId))
  }

  /**
   * Runs `job` with the room's head and commits what it drafts. The job moves the head forward itself and must not
   * await anything but reads: network calls come before. It may run several times.
   *
   * Throws `M_NOT_FOUND` for a room that is not known here, and whatever the job throws.
   */
  async update<T>(roomId: string, job: Job<T>, options: UpdateOptions = {}): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const attempted = this.#queue.run(roomId, () => this.#attempt(roomId, job, options))
      const drafted = attempted instanceof Promise ? await attempted : attempted
      if ('settled' in drafted) return drafted.settled
      const outcome = await drafted.outcome
      if (!('retry' in outcome)) return outcome.value
      if (attempt === MAX_ATTEMPTS) throw new RoomContended()
    }
  }

  /**
   * Commits the first events of a room that is new to this server; `draft` makes head and statements together.
   * Runs in the room's queue, so that two joins of one room cannot both create it.
   *
   * Throws `M_ROOM_IN_USE` if the room is known.
   */
  async create<T>(roomId: string, draft: () => Promise<{ head: RoomHead; draft: Draft<T> }>): Promise<T> {
    const drafted = await this.#queue.run(roomId, async () => {
      const known = await this.#heads.load(roomId)
      // It may be one whose own creation is in flight, and fails.
      await known?.lastCommit
      if (known !== undefined && !known.isDead) throw roomInUse()
      const made = await draft()
      this.#heads.keep(made.head)
      return this.#submit(made.head, made.draft)
    })
    const outcome = await drafted.outcome
    if ('retry' in outcome) throw roomInUse()
    return outcome.value
  }

  /**
   * Takes a room away: commits statements over the head as it stands, and does what is to be done after that before
   * anything else happens to the room, such as somebody joining it anew. Answers whether it is away by this.
   *
   * @param job answers `undefined` to leave the room alone after all; it may run several times
   */
  async remove(roomId: string, job: RemovalJob): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#queue.run(roomId, () => this.#remove(roomId, job))
      if (outcome !== 'stale') return outcome === 'gone'
      if (attempt === MAX_ATTEMPTS) throw new RoomContended()
    }
  }

  /** `stale`: another process has written to the room since its head was loaded. */
  async #remove(roomId: string, job: RemovalJob): Promise<'gone' | 'stays' | 'stale'> {
    const { db, nids, write, authEdges } = this.context
    const head = await this.#heads.load(roomId)
    if (head === undefined) return 'stays'
    await head.lastCommit
    const removal = await job()
    if (removal === undefined) return 'stays'
    const bump = write.rooms.bump(head.room.nid, head.headVersion, nids.next())
    const committed = await db
      .commit({ statements: [bump, ...removal.statements] })
      .finally(() => this.#drop(head, []))
    authEdges.delete(head.room.nid)
    if (!committed.ok) return committed.guard === HEAD_GUARD ? 'stale' : 'stays'
    await removal.after()
    return 'gone'
  }

  /** Runs a job in the room's queue until something comes of it: at once where the head is here and the job asks nothing. */
  #attempt<T>(roomId: string, job: Job<T>, options: UpdateOptions): Answer<Attempted<T>> {
    const again = (): Answer<Attempted<T>> => this.#attempt(roomId, job, options)
    const refilled = this.context.nids.refilled()
    if (refilled !== undefined) return refilled.then(again)
    return andThen(this.#heads.load(roomId), head => {
      if (head === undefined) throw new MatrixError('M_NOT_FOUND', 'This room is not known to this server')
      if (!isReady(head, options)) return head.lastCommit.then(again)
      const { inFlight } = head
      return andThen(this.#draft(head, job), draft => {
        if (draft === undefined) return again()
        if (!('settled' in draft)) return this.#submit(head, draft)
        return this.#holds(head, inFlight).then(holds => (holds ? draft : head.lastCommit.then(again)))
      })
    })
  }

  /** What a job drafts; `undefined` if it refused for what may never come to pass, or is past. */
  #draft<T>(head: RoomHead, job: Job<T>): Answer<Draft<T> | Settled<T> | undefined> {
    const { revision, inFlight } = head
    const refused = async (error: unknown): Promise<undefined> => {
      // What it has drafted before it failed nobody will store.
      if (head.revision !== revision || head.drafted.length > 0) this.#drop(head, head.drafted)
      if (await this.#holds(head, inFlight)) throw error
      await head.lastCommit
    }
    head.drafted = []
    try {
      const draft = job(head)
      return draft instanceof Promise ? draft.catch(refused) : draft
    } catch (error) {
      return refused(error)
    }
  }

  /** Whether what a job saw in a head, with so many commits in flight then, is durable and the newest there is. */
  async #holds(head: RoomHead, inFlight: number): Promise<boolean> {
    return inFlight === 0 && !(await this.#isBehind(head))
  }

  /** Whether another process has moved the room since its head was loaded; it is loaded anew then. */
  async #isBehind(head: RoomHead): Promise<boolean> {
    const { db, read } = this.context
    if (db.dialect.name === 'sqlite' || head.isDead || head.inFlight > 0) return false
    const { headVersion } = head
    const row = await read.rooms.byId(head.room.roomId)
    // Moved by us while it was read: it is the newest there is.
    if (head.headVersion !== headVersion || row?.headVersion === headVersion) return false
    this.#drop(head, [])
    return true
  }

  #submit<T>(head: RoomHead, draft: Draft<T>): Submitted<T> {
    let next: number
    try {
      next = this.context.nids.next()
    } catch (error) {
      // The draft has moved the head already.
      this.#drop(head, draft.nids)
      throw error
    }
    const bump = this.context.write.rooms.bump(head.room.nid, head.headVersion, next, head.timeOrder.take())
    head.headVersion = next
    const commit = commitDraft(this.context.db, draft, bump)
    head.inFlight += 1
    const outcome = this.#settle(head, commit, draft)
    // Of several in flight, the newest may be answered first.
    const earlier = head.lastCommit
    const isOver = (): Promise<unknown> => earlier
    head.lastCommit = outcome.then(isOver, isOver)
    if (!head.isDead) this.#heads.keep(head)
    return { outcome }
  }

  async #settle<T>(
    head: RoomHead,
    commit: ReturnType<typeof commitDraft<T>>,
    draft: Draft<T>,
  ): Promise<Outcome<T>> {
    let committed: Awaited<typeof commit>
    try {
      committed = await commit
    } catch (error) {
      // A creation may have reached the disk all the same, so the room is not known to be free.
      this.#drop(head, draft.nids)
      throw error
    } finally {
      head.inFlight -= 1
      if (head.inFlight === 0) head.unsettled.clear()
    }
    if ('value' in committed) {
      if (head.extremities.length > 1) this.onForked?.(head)
      return committed
    }
    this.#drop(head, draft.nids)
    const { guard } = committed
    if (guard === HEAD_GUARD || guard === ROOM_GUARD) return { retry: true }
    if (draft.onGuard !== undefined) return { value: await draft.onGuard(guard) }
    throw new GuardFailed(guard)
  }

  #drop(head: RoomHead, nids: readonly number[]): void {
    this.#heads.drop(head)
    this.context.read.events.forget(nids)
  }
}

const roomInUse = (): MatrixError => new MatrixError('M_ROOM_IN_USE', 'The room exists already')
