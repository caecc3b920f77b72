import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Database, StreamName } from '../../storage/database.ts'
import type { Answer } from '../answer.ts'
import type { Departure } from '../departure.ts'
import { Deadlines } from './deadlines.ts'

/** Finds out whom of those who wait the news of a stream concern. */
export interface Follower {
  readonly stream: StreamName
  /** Follows the stream up to a position; answers user IDs. Called one after another, never at once. */
  follow(upTo: number): Answer<Iterable<string>>
}

/** One client that waits: for as long as its request lasts, however often it is woken for nothing. */
export interface Wait {
  /** Resolves at the next thing that concerns the user, or at the end. */
  readonly woken: Promise<void>
  /** Nothing wakes any more: the deadline has come, the client has gone, or the server stops. */
  readonly isOver: boolean
  /** Whoever was woken, and is about to look for what is new, can be woken again. */
  again(): void
  /** Ends it. */
  cancel(): void
}

class Waiter implements Wait {
  readonly #end: () => void
  #waking = Promise.withResolvers<void>()
  #isEnqueued = false
  isWoken = false
  isOver = false

  constructor(end: () => void) {
    this.#end = end
  }

  get woken(): Promise<void> {
    return this.#waking.promise
  }

  again(): void {
    if (!this.isWoken || this.isOver) return
    this.isWoken = false
    this.#waking = Promise.withResolvers()
  }

  /** Whether it has to be put into the queue: it is not there, and does not know yet that there is something. */
  enqueue(): boolean {
    if (this.#isEnqueued || this.isWoken) return false
    this.#isEnqueued = true
    return true
  }

  wake(): void {
    this.#isEnqueued = false
    this.isWoken = true
    this.#waking.resolve()
  }

  readonly cancel = (): void => {
    if (this.isOver) return
    this.isOver = true
    this.#end()
    this.wake()
  }
}

/** Woken at once, so that ten thousand do not hold the event loop for half a second. */
const SLICE = 200
/**
 * Clients of one user that are woken when something concerns them: with thousands of requests under way one account would keep all others
 * waiting with each message in its rooms.
 */
const MAX_OF_USER = 100
/**
 * So long whoever is one too many waits on, and then looks for what is new. Whoever is answered comes again: at once, they would take the place
 * of another each time, without pause. Milliseconds.
 */
const RESTS_MS = 10_000
/** After a failure; milliseconds. */
const PAUSE_MS = 1_000

/**
 * Wakes waiting clients. It hears of every commit, lets the followers of the streams that moved find out whom it
 * concerns, and wakes those.
 */
export class Notifier {
  readonly #db: Database
  readonly #clock: Clock
  readonly #log: Log
  readonly #followers: readonly Follower[]
  readonly #deadlines: Deadlines
  readonly #waiting: ByUser = new Map()
  /** Those whom nothing wakes but their end. */
  readonly #resting: ByUser = new Map()
  readonly #stopListening: () => void
  readonly #wakeQueue: Waiter[] = []
  readonly #followed = new Map<Follower, number>()
  #following = Promise.resolve()
  #pending = false
  readonly #closing = new AbortController()

  constructor(parts: { db: Database; clock: Clock; log: Log; followers: readonly Follower[] }) {
    this.#db = parts.db
    this.#clock = parts.clock
    this.#log = parts.log
    this.#followers = parts.followers
    this.#deadlines = new Deadlines(parts.clock)
    this.#stopListening = parts.db.onCommit(() => void this.catchUp())
  }

  /** How many clients wait. */
  get waiting(): number {
    let count = 0
    for (const { isWoken } of this.#all()) if (!isWoken) count += 1
    return count
  }

  /** Resolves when everything that is committed by now has been followed. */
  caughtUp(): Answer<void> {
    const isBehind = (follower: Follower): boolean =>
      this.#db.position(follower.stream) > (this.#followed.get(follower) ?? 0)
    if (this.#followers.some(isBehind)) return this.catchUp()
  }

  /** Lets all followers follow what is committed by now. */
  catchUp(): Promise<void> {
    // Commits that come while one round waits to begin are covered by it.
    if (!this.#pending) {
      this.#pending = true
      this.#following = this.#following.then(() => this.#follow())
    }
    return this.#following
  }

  /** Wakes a user's clients, for news that are not in the database. */
  wake(userIds: Iterable<string>): void {
    const idle = this.#wakeQueue.length === 0
    for (const userId of userIds)
      for (const waiter of this.#waiting.get(userId) ?? []) if (waiter.enqueue()) this.#wakeQueue.push(waiter)
    if (idle && this.#wakeQueue.length > 0) this.#wakeSlice()
  }

  /**
   * Lets a client wait until something concerns the user, the deadline (ms) has come, or the client has gone. What comes
   * after the call wakes; the caller checks once more after calling, for what came before. Where too many clients of the user wait, the
   * one that has waited longest is not woken any more, and hears of what comes in some seconds, at its end.
   */
  wait(userId: string, deadline: number, departure: Departure): Wait {
    const waiter = new Waiter(() => {
      for (const all of [this.#waiting, this.#resting]) remove(all, userId, waiter)
      cancelDeadline()
      departure.removeEventListener('abort', waiter.cancel)
    })
    const waiters = add(this.#waiting, userId, waiter)
    const cancelDeadline = this.#deadlines.add(deadline, waiter.cancel)
    departure.addEventListener('abort', waiter.cancel)
    if (this.isClosed || departure.aborted) waiter.cancel()
    const [longest] = waiters
    if (waiters.size > MAX_OF_USER && longest !== undefined) this.#rest(userId, longest)
    return waiter
  }

  #rest(userId: string, waiter: Waiter): void {
    remove(this.#waiting, userId, waiter)
    add(this.#resting, userId, waiter)
    this.#deadlines.add(this.now() + RESTS_MS, waiter.cancel)
  }

  /** Lets none of a user's clients wait on: who is answered comes again, if they still may. */
  end(userId: string): void {
    for (const all of [this.#waiting, this.#resting])
      for (const waiter of [...(all.get(userId) ?? [])]) waiter.cancel()
  }

  /** Wakes everybody and lets nobody wait any more. */
  close(): void {
    this.#closing.abort()
    this.#stopListening()
    this.#deadlines.close()
    for (const waiter of [...this.#all()]) waiter.cancel()
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Milliseconds since 1970, on the clock that deadlines are measured by. */
  now(): number {
    return this.#clock.now()
  }

  *#all(): Iterable<Waiter> {
    for (const all of [this.#waiting, this.#resting]) for (const waiters of all.values()) yield* waiters
  }

  async #follow(): Promise<void> {
    this.#pending = false
    const concerned = new Set<string>()
    let hasFailed = false
    for (const follower of this.#followers) {
      if (this.isClosed) return
      const position = this.#db.position(follower.stream)
      try {
        const found = follower.follow(position)
        for (const userId of found instanceof Promise ? await found : found) concerned.add(userId)
        this.#followed.set(follower, position)
      } catch (error) {
        if (this.isClosed) return
        // Nobody is woken by this round; the next one follows from the same place.
        this.#log.error({ err: error, stream: follower.stream }, 'could not follow a stream')
        hasFailed = true
      }
    }
    this.wake(concerned)
    if (hasFailed) void this.#followLater()
  }

  /** Another round, though nothing more may be committed for long. */
  async #followLater(): Promise<void> {
    await this.#clock.sleep(PAUSE_MS, this.#closing.signal).catch(() => undefined)
    if (!this.isClosed) void this.catchUp()
  }

  #wakeSlice(): void {
    for (const waiter of this.#wakeQueue.splice(0, SLICE)) waiter.wake()
    if (this.#wakeQueue.length > 0) setImmediate(() => this.#wakeSlice())
  }
}

type ByUser = Map<string, Set<Waiter>>

const add = (all: ByUser, userId: string, waiter: Waiter): ReadonlySet<Waiter> => {
  const waiters = all.get(userId) ?? new Set()
  all.set(userId, waiters)
  return waiters.add(waiter)
}

const remove = (all: ByUser, userId: string, waiter: Waiter): void => {
  const waiters = all.get(userId)
  waiters?.delete(waiter)
  if (waiters?.size === 0) all.delete(userId)
}
