import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { type BulletinRow, Bulletins } from '../storage/bulletins.ts'
import type { Database, WriteStatement } from '../storage/database.ts'
import { Gathering } from './gathering.ts'

/** What is told, as plain JSON values; each topic has one service that posts it and knows its content. */
export type Topic =
  | 'typing'
  | 'presence'
  | 'device activity'
  | 'tokens'
  | 'keys left'
  | 'backup keys deleted'
  | 'pushers'
  | 'counted'
  | 'unread'
  | 'edu'
  | 'heard of'
  | 'earlier events'
  | 'lease free'
  | 'process gone'
  | 'follow'
  | 'followed'
  | 'rate limits'
  | 'purged'
  | 'redacted'
  | 'app service'
  | 'connection'
  | 'connection wanted'

/** Hears what is told under a topic, which is what was posted, or its like that went through JSON; `position` grows from one to the next. Must not throw. */
export type Hear = (content: unknown, position: number) => void

/** What was told within this time is told again to a process that starts, under topics that ask for it. */
const REPLAYED_MS = 120_000
/** What is told is kept for so long, for processes that cannot read it at once. */
const KEPT_MS = 10 * 60_000
/** And the last so many in any case: by a clock that is off, what others have yet to hear may seem to be old. */
const KEPT_LAST = 1_000
const EXPIRE_EVERY_MS = 60_000
/** Told in one commit, and read at once. */
const BATCH = 200
/** Beyond so much that waits to be told, more is dropped: all of it passes. */
const MAX_WAITING = 20_000
const PAUSE_MS = 1_000

interface Waiting {
  readonly topic: Topic
  readonly content: string
  readonly told: () => void
}

/**
 * The notice board of the processes that share a database: what one posts, all hear in the same order, itself included; after
 * a lost connection too, since it is read from a table. For what passes (who is typing) and for what caches have to know.
 * What must not be lost belongs into a stream of its own. Where the process is alone (SQLite), everything is heard at once and
 * nothing is stored.
 */
export class Bulletin {
  readonly #database: Database
  readonly #bulletins: Bulletins
  readonly #clock: Clock
  readonly #log: Log
  readonly #hearing = new Map<Topic, { readonly hear: Hear; readonly replayed: boolean }[]>()
  readonly #onGap = new Set<() => void>()
  readonly #closing = new AbortController()
  readonly #isAlone: boolean
  #position: number
  /** When all that was told was last known to be heard. */
  #heardTs: number
  #expiredTs = 0
  readonly #posting = new Gathering<Waiting>(batch => this.#postAll(batch), BATCH)
  #following: Promise<void> | undefined
  #again = false
  #replayed: Promise<void> | undefined
  readonly #until = new Set<{ readonly position: number; readonly done: () => void }>()
  #stopListening: (() => void) | undefined

  constructor(parts: { database: Database; clock: Clock; log: Log }) {
    this.#database = parts.database
    this.#bulletins = new Bulletins(parts.database)
    this.#clock = parts.clock
    this.#log = parts.log
    this.#heardTs = parts.clock.now()
    this.#isAlone = parts.database.dialect.name === 'sqlite'
    // A process alone is after every restart ahead of all that it has called a position before.
    this.#position = this.#isAlone ? parts.clock.now() : parts.database.position('bulletins')
  }

  /** Whether no other process can be there. */
  get isAlone(): boolean {
    return this.#isAlone
  }

  /** Up to where everything is heard. */
  get position(): number {
    return this.#position
  }

  /**
   * Has `hear` called with all that is told under a topic from now on. `replayed`: when following begins, also with what was told
   * in the two minutes before.
   */
  on(topic: Topic, hear: Hear, { replayed = false } = {}): void {
    const hearing = this.#hearing.get(topic) ?? []
    this.#hearing.set(topic, hearing)
    hearing.push({ hear, replayed })
    if (!this.#isAlone && this.#stopListening === undefined) this.#listen()
  }

  /** Has `forget` called when something was told that this process can no longer hear, as after a long sleep. */
  onGap(forget: () => void): void {
    this.#onGap.add(forget)
  }

  /** Tells all processes; resolves when this one has heard it itself. What cannot be told, as without a database, is dropped. */
  async post(topic: Topic, content: unknown): Promise<void> {
    if (this.#isAlone) return this.#hear(topic, { content, position: ++this.#position })
    if (this.#posting.waiting >= MAX_WAITING || this.#closing.signal.aborted) return
    await new Promise<void>(told => this.#posting.add({ topic, content: JSON.stringify(content), told }))
  }

  /** The same as part of a write set: all are told once it is stored. Nothing where nobody else can be there. */
  posted(topic: Topic, content: unknown): WriteStatement[] {
    if (this.#isAlone) return []
    return [this.#bulletins.post([{ topic, content: JSON.stringify(content) }], this.#clock.now())]
  }

  /** Resolves when all that this process has to tell is told, and heard by itself. */
  async settled(): Promise<void> {
    await this.#posting.settled()
    await this.#heard(this.#database.position('bulletins'))
  }

  /** Tells what is waiting to be told, and hears no more. */
  async close(): Promise<void> {
    await this.#posting.settled()
    this.#closing.abort()
    this.#stopListening?.()
    await this.#following
    this.#tell(Number.POSITIVE_INFINITY)
  }

  #listen(): void {
    this.#replayed = this.#replay()
    this.#stopListening = this.#database.onCommit(moved => {
      if (moved.has('bulletins')) this.#wake()
    })
    this.#wake()
  }

  /** Hears again what was told lately, up to where this process begins. */
  async #replay(): Promise<void> {
    try {
      let after = (await this.#bulletins.lastBefore(this.#clock.now() - REPLAYED_MS)) ?? 0
      for (;;) {
        const rows = await this.#bulletins.between(after, this.#position, BATCH)
        for (const row of rows) this.#hearRow(row, true)
        const last = rows.at(-1)
        if (last === undefined) return
        after = last.position
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'what processes told each other lately could not be read')
    }
  }

  #wake(): void {
    this.#again = true
    this.#following ??= this.#follow().finally(() => {
      this.#following = undefined
      // Something may have come between the last look and now.
      if (this.#again && !this.#closing.signal.aborted) this.#wake()
    })
  }

  async #follow(): Promise<void> {
    await this.#replayed
    this.#again = false
    const now = this.#clock.now()
    if (now - this.#heardTs > KEPT_MS) for (const forget of this.#onGap) forget()
    const upTo = this.#database.position('bulletins')
    try {
      while (this.#position < upTo) {
        const rows = await this.#bulletins.between(this.#position, upTo, BATCH)
        for (const row of rows) this.#hearRow(row)
        this.#position = rows.length < BATCH ? upTo : (rows.at(-1)?.position ?? upTo)
      }
      this.#heardTs = now
      this.#tell(this.#position)
    } catch (error) {
      this.#log.warn({ err: error }, 'what other processes tell could not be read')
      this.#again = true
      await this.#clock.sleep(PAUSE_MS, this.#closing.signal).catch(() => undefined)
    }
  }

  #tell(position: number): void {
    for (const waiting of this.#until) {
      if (waiting.position > position) continue
      this.#until.delete(waiting)
      waiting.done()
    }
  }

  #hearRow({ topic, content, position }: BulletinRow, isReplay = false): void {
    this.#position = Math.max(this.#position, position)
    this.#hear(topic as Topic, { content: JSON.parse(content), position }, isReplay)
  }

  #hear(topic: Topic, { content, position }: { content: unknown; position: number }, isReplay = false): void {
    for (const { hear, replayed } of this.#hearing.get(topic) ?? []) {
      if (replayed || !isReplay) hear(content, position)
    }
  }

  async #postAll(batch: readonly Waiting[]): Promise<void> {
    const now = this.#clock.now()
    const statements = [this.#bulletins.post(batch, now)]
    if (now - this.#expiredTs > EXPIRE_EVERY_MS) {
      this.#expiredTs = now
      statements.push(this.#bulletins.expire(now - KEPT_MS, this.#position - KEPT_LAST))
    }
    try {
      const committed = await this.#database.commit({ statements })
      const first = committed.ok ? (committed.positions.bulletins ?? 0) : 0
      const last = first + batch.length - 1
      void this.#heard(last).then(() => {
        for (const { told } of batch) told()
      })
    } catch (error) {
      this.#log.warn({ err: error, count: batch.length }, 'other processes could not be told')
      for (const { told } of batch) told()
    }
  }

  #heard(position: number): Promise<void> {
    if (this.#isAlone || this.#position >= position || this.#stopListening === undefined)
      return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#until.add({ position, done: resolve })
    return promise
  }
}
