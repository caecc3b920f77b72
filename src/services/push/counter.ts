import type { Clock } from '../../core/clock.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import { FollowedStreams } from '../../storage/followed-streams.ts'
import { type Held, LeaseLost } from '../lease.ts'
import type { SoleWork } from '../processes.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { BatchJudge } from './batch-judge.ts'
import type { RuleBook } from './rule-book.ts'
import type { UnreadCounts } from './unread.ts'

const FOLLOWER = 'push'
/** After the database has failed, in milliseconds. */
const PAUSE_MS = 1_000
/** Without anything to note, how far we are is written down this rarely (in positions). */
const NOTE_EVERY = 1_000
/** Nobody waits longer for another process to count, in milliseconds. */
const SILENCE_MS = 2_000
/** After so many failures in a row nobody waits for the counts any more. */
const MAX_FAILURES = 3

/** Told how far the counter has come, and whom it found something for. */
export type Counted = (position: number, notified: ReadonlySet<string>) => void

/**
 * Follows the stream of events from the position that is stored, judges each event by the rules of the local users in
 * its room, and stores whom it notifies, in one commit with the new position: nothing is missed and nothing is counted
 * twice, whenever the process ends.
 *
 * It is no part of the commit that stores the event: that would have the room's queue wait for the rules of all members
 * to be read. Instead `/sync` does not tell of events beyond `horizon`, so that an event and its counts come together.
 */
export class NotificationCounter {
  readonly #context: RoomsContext
  readonly #clock: Clock
  readonly #log: Log
  readonly #unread: UnreadCounts
  readonly #judge: BatchJudge
  readonly #followed: FollowedStreams
  readonly #listeners = new Set<Counted>()
  readonly #closing = new AbortController()
  readonly #sole: SoleWork
  #started: Promise<void> | undefined
  /** While this process is the one that counts. */
  #held: Held | undefined
  /** The process that counts has said nothing for a while, though there are events. */
  #isSilent = false
  #isListening = false
  #wake: (() => void) | undefined
  #reached: number
  #noted: number
  #failures = 0

  constructor(parts: {
    context: RoomsContext
    rules: RuleBook
    unread: UnreadCounts
    log: Log
    clock: Clock
    /** Of several processes one counts. */
    sole: SoleWork
  }) {
    const { db } = parts.context
    this.#sole = parts.sole
    this.#context = parts.context
    this.#clock = parts.clock
    this.#log = parts.log
    this.#unread = parts.unread
    this.#judge = new BatchJudge(parts)
    this.#followed = new FollowedStreams(db)
    this.#reached = 0
    this.#noted = 0
    const { bulletin } = this.#sole.others ?? {}
    bulletin?.on('counted', told => this.#hear(told))
    bulletin?.onGap(() => this.#unread.forget())
  }

  /** Up to where events may be told: all before has been counted. Without bound while counting fails or has not begun. */
  get horizon(): number {
    const isWorking = this.#started !== undefined && this.#failures < MAX_FAILURES && !this.#isSilent
    return isWorking ? this.#reached : Number.MAX_SAFE_INTEGER
  }

  /** Up to where events are counted. */
  get reached(): number {
    return this.#reached
  }

  /** Calls back after each step. */
  onCounted(listener: Counted): void {
    this.#listeners.add(listener)
  }

  /** Resolves once everything up to a position of `events` is counted, or counting has failed or ended. */
  async counted(position: number): Promise<void> {
    while (this.horizon < position && !this.#closing.signal.aborted) {
      await new Promise<void>(resolve => {
        const done: Counted = () => {
          this.#listeners.delete(done)
          resolve()
        }
        this.#listeners.add(done)
      })
    }
  }

  /** Begins to follow the events where the last process ended, or what another process counts. */
  start(): void {
    if (this.#started !== undefined) return
    this.#started = this.#sole.run(this.#closing.signal, held => this.#lead(held))
    const { others } = this.#sole
    if (others !== undefined) void this.#listen(others.clock)
  }

  /** Ends after the step that is under way. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake?.()
    await this.#started
    this.#tell(new Set())
  }

  /** What notified nobody is not judged once more after a restart, when rules may be others. */
  async #noteEnd({ commit }: Held): Promise<void> {
    if (this.#reached <= this.#noted) return
    await commit({ statements: [this.#followed.reached(FOLLOWER, this.#reached)] })
    this.#noted = this.#reached
  }

  async #lead(held: Held): Promise<void> {
    const { db } = this.#context
    const { signal } = held
    const stop = db.onCommit(moved => {
      if (moved.has('events')) this.#wake?.()
    })
    const woken = (): void => this.#wake?.()
    signal.addEventListener('abort', woken)
    let isPlaced = false
    while (!signal.aborted) {
      try {
        if (!isPlaced) {
          this.#reached = await this.#followed.position(FOLLOWER)
          this.#noted = this.#reached
          this.#held = held
          this.#isSilent = false
          isPlaced = true
          this.#tell(new Set())
        }
        if (this.#reached >= db.position('events')) await this.#news(signal)
        else await this.#step(held)
        this.#failures = 0
      } catch (error) {
        if (error instanceof LeaseLost) break
        this.#failures += 1
        this.#log.error({ err: error }, 'notifications could not be counted')
        this.#tell(new Set())
        await this.#clock.sleep(PAUSE_MS, signal).catch(() => undefined)
      }
    }
    await this.#noteEnd(held).catch(error => {
      if (!(error instanceof LeaseLost)) this.#log.warn({ err: error }, 'some events may be counted anew')
    })
    this.#held = undefined
    signal.removeEventListener('abort', woken)
    stop()
  }

  /** Where another process counts: nobody waits for it for long. */
  async #listen(clock: Clock): Promise<void> {
    const { db } = this.#context
    const { signal } = this.#closing
    try {
      this.#reached = Math.max(this.#reached, await this.#followed.position(FOLLOWER))
    } catch (error) {
      this.#log.warn({ err: error }, 'it is not known how far notifications are counted')
    }
    const stop = db.onCommit(moved => {
      if (moved.has('events')) void this.#expect(clock)
    })
    signal.addEventListener('abort', stop)
    await this.#expect(clock)
  }

  async #expect(clock: Clock): Promise<void> {
    const position = this.#context.db.position('events')
    if (this.#isListening || this.#isSilent || this.#held !== undefined || this.#reached >= position) return
    this.#isListening = true
    await clock.sleep(SILENCE_MS, this.#closing.signal).catch(() => undefined)
    this.#isListening = false
    if (this.#held !== undefined || this.#closing.signal.aborted) return
    if (this.#reached >= position) return this.#expect(clock)
    this.#isSilent = true
    this.#tell(new Set())
  }

  /** Another process has counted. */
  #hear(told: unknown): void {
    if (this.#held !== undefined || !isJsonObject(told)) return
    const { upTo, rooms } = told
    if (typeof upTo !== 'number' || !Array.isArray(rooms)) return
    this.#unread.counted({ actions: [], readings: [], undone: rooms.map(Number), cleared: [] })
    this.#reached = Math.max(this.#reached, upTo)
    this.#isSilent = false
    this.#tell(new Set())
  }

  /** Waits for events beyond the position that is reached. */
  #news(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
      if (signal.aborted || this.#context.db.position('events') > this.#reached) resolve()
    })
  }

  async #step({ commit }: Held): Promise<void> {
    const judged = await this.#judge.after(this.#reached)
    const { upTo, rooms, actions, readings, redactedIn, cleared } = judged
    const told = this.#sole.others?.bulletin.posted('counted', { upTo, rooms }) ?? []
    if (judged.statements.length + told.length > 0 || upTo - this.#noted >= NOTE_EVERY) {
      await commit({ statements: [...judged.statements, this.#followed.reached(FOLLOWER, upTo), ...told] })
      this.#noted = upTo
      this.#unread.counted({ actions, readings, undone: redactedIn, cleared })
    }
    this.#reached = upTo
    this.#tell(new Set(actions.map(({ userId }) => userId)))
  }

  #tell(notified: ReadonlySet<string>): void {
    for (const listener of [...this.#listeners]) listener(this.horizon, notified)
  }
}
