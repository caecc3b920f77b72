import type { Clock } from '../../core/clock.ts'
import { clientEvent } from '../../core/event/client-event.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import { judge } from '../../core/push-rules/compile.ts'
import { PushEvent } from '../../core/push-rules/push-event.ts'
import { FollowedStreams } from '../../storage/followed-streams.ts'
import { type PushAction, PushActionWriter } from '../../storage/push/push-actions.ts'
import { PushSourceReader } from '../../storage/push/push-source.ts'
import { ThreadSubscriptionReader } from '../../storage/push/thread-subscriptions.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { type Held, LeaseLost } from '../lease.ts'
import type { SoleWork } from '../processes.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { OwnEvents } from './own-events.ts'
import { RoomAudiences } from './room-audience.ts'
import type { RuleBook } from './rule-book.ts'
import { MAIN_TIMELINE, threadOf } from './thread-of.ts'
import { Undoing } from './undoing.ts'
import type { UnreadCounts } from './unread.ts'

const FOLLOWER = 'push'
const BATCH = 200
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
  readonly #rules: RuleBook
  readonly #unread: UnreadCounts
  readonly #audiences: RoomAudiences
  readonly #source: PushSourceReader
  readonly #subscriptions: ThreadSubscriptionReader
  readonly #undoing: Undoing
  readonly #ownEvents: OwnEvents
  readonly #write: PushActionWriter
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
    this.#rules = parts.rules
    this.#unread = parts.unread
    this.#audiences = new RoomAudiences(parts.context, parts.rules)
    this.#source = new PushSourceReader(db, parts.context.read.news)
    this.#subscriptions = new ThreadSubscriptionReader(db)
    this.#undoing = new Undoing(parts.context, this.#source)
    this.#ownEvents = new OwnEvents(parts)
    this.#write = new PushActionWriter(db)
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
    this.#unread.counted({ actions: [], undone: rooms.map(Number), cleared: [] })
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
    const { db, read } = this.#context
    const after = this.#reached
    const now = db.position('events')
    const rows = await this.#source.events(after, now, BATCH)
    const upTo = rows.length < BATCH ? now : (rows.at(-1)?.position ?? now)
    await this.#rules.refresh()
    const positions = new Map(rows.map(({ nid, position }) => [nid, position]))
    // An event that was stored a moment ago may still be cached without its position.
    const events = (await read.events.byNids([...positions.keys()])).map(stored => ({
      ...stored,
      position: positions.get(stored.nid),
    }))
    const roomNids = [...new Set(events.map(({ roomNid }) => roomNid))]
    if (roomNids.length > 0) {
      this.#audiences.forget(await this.#source.changedRooms(roomNids, after, upTo))
    }
    const actions: PushAction[] = []
    for (const stored of events) actions.push(...(await this.#judgeSafely(stored)))
    const redactions = events.filter(({ event }) => event.redacts !== undefined)
    const undone = await this.#undoing.redacted(redactions)
    const cleared = await this.#undoing.cleared(roomNids, after, upTo)
    const statements = [
      ...this.#write.insert(actions),
      ...this.#write.undo(undone),
      ...this.#write.clear(cleared),
      ...(await this.#ownEvents.receipts(events, actions)),
    ]
    const touched = [...actions, ...cleared].map(({ roomNid }) => roomNid)
    const rooms = [...new Set([...touched, ...redactions.map(({ roomNid }) => roomNid)])]
    const told = this.#sole.others?.bulletin.posted('counted', { upTo, rooms }) ?? []
    if (statements.length + told.length > 0 || upTo - this.#noted >= NOTE_EVERY) {
      await commit({ statements: [...statements, this.#followed.reached(FOLLOWER, upTo), ...told] })
      this.#noted = upTo
      this.#unread.counted({ actions, undone: redactions.map(({ roomNid }) => roomNid), cleared })
    }
    this.#reached = upTo
    this.#tell(new Set(actions.map(({ userId }) => userId)))
  }

  /** An event that cannot be judged must not keep all others from being told. */
  async #judgeSafely(stored: StoredEvent): Promise<PushAction[]> {
    try {
      return await this.#judge(stored)
    } catch (error) {
      this.#log.error(
        { err: error, event: stored.event.eventId },
        'an event could not be judged by push rules',
      )
      return []
    }
  }

  async #judge(stored: StoredEvent): Promise<PushAction[]> {
    const { event, position, roomNid, nid } = stored
    if (position === undefined || stored.redactedBy !== undefined) return []
    const audience = await this.#audiences.of(stored)
    if (audience.groups.length === 0) return []
    const late = await this.#audiences.latecomers(audience, stored)
    const { memberCount, power } = audience
    const { read } = this.#context
    const asksForThread = audience.groups.some(({ rules }) => rules.needsSubscriptions)
    const thread = asksForThread ? await threadOf(read, stored) : MAIN_TIMELINE
    const subscribers =
      thread === MAIN_TIMELINE ? undefined : await this.#subscriptions.subscribers(roomNid, thread)
    const occasion = {
      ...{ event: new PushEvent(clientEvent(event, { roomId: true })), memberCount, power, subscribers },
    }
    const ts = this.#clock.now()
    const found: Omit<PushAction, 'threadId'>[] = []
    for (const { rules, listeners } of audience.groups) {
      judge(rules, occasion, listeners, ({ userId, ignored }, { notify, highlight, actions }) => {
        // "Homeservers MUST NOT notify for events that the user has sent themselves."
        if (!notify || userId === event.sender || ignored.has(event.sender) || late.has(userId)) return
        const text = JSON.stringify(actions)
        found.push({ userId, roomNid, position, eventNid: nid, highlight, actions: text, ts })
      })
    }
    if (found.length === 0) return []
    const threadId = asksForThread ? thread : await threadOf(read, stored)
    return found.map(one => ({ ...one, threadId }))
  }

  #tell(notified: ReadonlySet<string>): void {
    for (const listener of [...this.#listeners]) listener(this.horizon, notified)
  }
}
