import { isJsonObject } from '../../core/json.ts'
import { type Held, LeaseLost } from '../lease.ts'
import type { SoleWork } from '../processes.ts'
import { BATCH, BatchJudge, type JudgeParts } from './batch-judge.ts'
import { Changes } from './changes.ts'
import { JudgedSteps, type OnStored, storedPosition } from './judged-steps.ts'
import { Silence } from './silence.ts'

/** After the database has failed, in milliseconds. */
const PAUSE_MS = 1_000
/** After so many failures in a row nobody waits for the counts any more. */
const MAX_FAILURES = 3

/**
 * Follows the stream of events from the position that is stored, judges each event by the rules of the local users in
 * its room, and stores whom it notifies, in one commit with the new position: nothing is missed and nothing is counted
 * twice, whenever the process ends.
 *
 * It is no part of the commit that stores the event: that would have the room's queue wait for the rules of all members
 * to be read. Instead `/sync` does not tell of events beyond `horizon`, so that an event and its counts come together: once
 * they are judged, which `UnreadCounts` knows at once. If the process ends before that is stored, the next judges the same.
 */
export class NotificationCounter {
  readonly #parts: Omit<JudgeParts, 'sights' | 'rules'>
  readonly #judge: BatchJudge
  readonly #onJudged = new Set<() => void>()
  readonly #onCounted = new Set<OnStored>()
  readonly #closing = new AbortController()
  /** Of how far this is. */
  readonly #changes = new Changes(this.#closing.signal)
  readonly #sole: SoleWork
  /** Where another process may be the one that counts. */
  readonly #silence: Silence | undefined
  #started: Promise<void> | undefined
  /** While this process is the one that counts. */
  #held: Held | undefined
  #wake: (() => void) | undefined
  #judged: number
  #reached: number
  #failures = 0

  /**
   * @param parts.sole of several processes one counts
   * @param parts.counted up to where that is stored, as far as is known before it begins
   */
  constructor(parts: JudgeParts & { readonly sole: SoleWork; readonly counted?: number | undefined }) {
    this.#sole = parts.sole
    this.#reached = parts.counted ?? 0
    this.#judged = this.#reached
    this.#parts = parts
    this.#judge = new BatchJudge(parts)
    const { others } = this.#sole
    others?.bulletin.on('counted', told => this.#hear(told))
    others?.bulletin.onGap(() => this.#parts.unread.forget())
    this.#silence =
      others &&
      new Silence({
        ...{ clock: others.clock, signal: this.#closing.signal },
        upTo: () => parts.context.db.position('events'),
        reached: () => (this.#held === undefined ? this.#reached : Number.POSITIVE_INFINITY),
        noticed: () => this.#tell(),
      })
  }

  /** Up to where events may be told: all before has been judged. Without bound while counting fails or has not begun. */
  get horizon(): number {
    return this.#isWorking ? this.#judged : Number.MAX_SAFE_INTEGER
  }

  /** Up to where `UnreadCounts` counts: behind `horizon` while nobody waits for that, and less than before after a failure. */
  get known(): number {
    return this.#judged
  }

  /** Up to where it is stored whom events notify. */
  get reached(): number {
    return this.#reached
  }

  /** Calls back after each step: events up to `horizon` can be told. */
  onJudged(listener: () => void): void {
    this.#onJudged.add(listener)
  }

  /** Calls back whenever it has been stored whom events notify. */
  onCounted(listener: OnStored): void {
    this.#onCounted.add(listener)
  }

  /** Resolves once everything up to a position of `events` is judged, or counting has failed or ended. */
  judged(position: number): Promise<void> {
    return this.#changes.until(() => this.horizon >= position)
  }

  /** The same for when it is stored whom these events notify. */
  counted(position: number): Promise<void> {
    return this.#changes.until(() => !this.#isWorking || this.#reached >= position)
  }

  get #isWorking(): boolean {
    return this.#started !== undefined && this.#failures < MAX_FAILURES && this.#silence?.isNoticed !== true
  }

  /** Begins to follow the events where the last process ended, or what another process counts. */
  start(): void {
    if (this.#started !== undefined) return
    this.#started = this.#sole.run(this.#closing.signal, held => this.#lead(held))
    if (this.#silence !== undefined) void this.#listen(this.#silence)
  }

  /** Ends after the step that is under way. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake?.()
    await this.#started
  }

  async #lead(held: Held): Promise<void> {
    const { db } = this.#parts.context
    const { signal } = held
    const woken = (): void => this.#wake?.()
    const stop = db.onCommit(moved => (moved.has('events') ? woken() : undefined))
    signal.addEventListener('abort', woken)
    let steps: JudgedSteps | undefined
    while (!signal.aborted) {
      try {
        steps ??= await this.#begin(held)
        if (this.#judged >= db.position('events')) await this.#news(signal)
        else await this.#step(steps)
        steps.check()
      } catch (error) {
        if (error instanceof LeaseLost) break
        this.#failures += 1
        this.#parts.log.error({ err: error }, 'notifications could not be counted')
        await this.#giveUp(steps)
        await this.#parts.clock.sleep(PAUSE_MS, signal).catch(() => undefined)
      }
    }
    this.#held = undefined
    await this.#giveUp(steps)
    await steps?.noteEnd().catch(error => {
      if (!(error instanceof LeaseLost))
        this.#parts.log.warn({ err: error }, 'some events may be counted anew')
    })
    await this.#findOut()
    signal.removeEventListener('abort', woken)
    stop()
  }

  async #begin(held: Held): Promise<JudgedSteps> {
    const { db: database } = this.#parts.context
    this.#reached = await storedPosition(database)
    // The last that another process has counted may not have been heard of yet, and is not taken note of now.
    this.#parts.unread.forget()
    this.#judged = this.#reached
    this.#held = held
    this.#silence?.broken()
    this.#tell()
    return new JudgedSteps(this.#reached, {
      ...{ database, commit: held.commit, bulletin: this.#sole.others?.bulletin },
      onStored: (reached, ...told) => {
        this.#reached = reached
        this.#failures = 0
        for (const listener of this.#onCounted) listener(...told)
        this.#changes.happened()
      },
      onFailure: () => this.#wake?.(),
    })
  }

  /** What was judged and could not be stored is judged anew: by this process, or another. */
  async #giveUp(steps: JudgedSteps | undefined): Promise<void> {
    await steps?.settled()
    this.#parts.unread.forget()
    this.#judge.forget()
    this.#judged = this.#reached
    steps?.goOn()
    this.#tell()
  }

  /** Where another process counts: nobody waits for it for long. */
  async #listen(silence: Silence): Promise<void> {
    const { db } = this.#parts.context
    const { signal } = this.#closing
    await this.#findOut()
    const stop = db.onCommit(moved => {
      if (moved.has('events')) void silence.listen()
    })
    signal.addEventListener('abort', stop)
    await silence.listen()
  }

  /** Looks how far others have counted: what they tell is passed over while this process takes itself for the one that counts. */
  async #findOut(): Promise<void> {
    if (this.#sole.others === undefined || this.#closing.signal.aborted) return
    try {
      const reached = await storedPosition(this.#parts.context.db)
      // What is told of that may not have been heard yet.
      this.#parts.unread.forget()
      this.#reach(reached)
      this.#tell()
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'it is not known how far notifications are counted')
    }
  }

  /** Another process has counted. */
  #hear(told: unknown): void {
    if (this.#held !== undefined || !isJsonObject(told)) return
    const { upTo, rooms } = told
    if (typeof upTo !== 'number' || !Array.isArray(rooms)) return
    this.#parts.unread.counted({ notices: [], readings: [], undone: rooms.map(Number), cleared: [] })
    this.#reach(upTo)
    this.#silence?.broken()
    this.#tell()
  }

  #reach(position: number): void {
    this.#reached = Math.max(this.#reached, position)
    this.#judged = Math.max(this.#judged, this.#reached)
  }

  /** Waits for events that are not judged yet, or for a failure. */
  #news(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
      if (signal.aborted || this.#parts.context.db.position('events') > this.#judged) resolve()
    })
  }

  async #step(steps: JudgedSteps): Promise<void> {
    // What waits to be stored is bounded, and so is one commit.
    if (this.#parts.unread.isAwaited || this.#judged - steps.reached >= BATCH) await steps.settled()
    const judged = await this.#judge.after(this.#judged, () => steps.settled())
    const { upTo, notices, readings, undoneIn, cleared } = judged
    this.#parts.unread.counted({ notices, readings, undone: undoneIn, cleared }, steps.add(judged))
    this.#judged = upTo
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#onJudged) listener()
    this.#changes.happened()
  }
}
