import type { Clock } from '../core/clock.ts'
import { isJsonObject } from '../core/json.ts'
import type { Log } from '../core/log.ts'
import type { Database, StreamName, Writer, WriteStatement } from '../storage/database.ts'
import { FollowedStreams } from '../storage/followed-streams.ts'
import { type Held, LeaseLost } from './lease.ts'
import { persevere } from './persevere.ts'
import { aloneWith, type SoleWork } from './processes.ts'

/** So long somebody waits for another process, which may be gone. Milliseconds. */
const PATIENCE_MS = 3_000

/** How far a step came, and what comes of it; without statements: nothing was any concern of the follower. */
export interface FollowedStep {
  readonly reached: number
  /** Stored together with how far it came: both or neither, so that this happens exactly once. */
  readonly statements: readonly WriteStatement[]
  /** Called once they are stored. */
  committed?(): void
}

/** So many positions are passed over before that is written down. */
const NOTE_PASSED_EVERY = 1_000

/** Works on what is after a position; answers how far it came, at most `upTo`. */
type Work = (after: number, upTo: number) => Promise<number | FollowedStep>

interface FollowerParts {
  readonly name: string
  readonly stream: StreamName
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly work: Work
  /**
   * How far it came is written down after so many positions, and at the end: after a crash so much is worked on again.
   * For work that costs little and changes nothing the second time; by default it is written down each time.
   */
  readonly noteEvery?: number
  /**
   * Whether nothing of a span is any concern of the follower; `false` says nothing. Asked with nearly every commit, so that it goes past
   * what is known at once without a promise.
   */
  readonly passesOver?: (after: number, upTo: number) => boolean
  /** Where several processes may be there: has one of them follow. What `work` commits by its database is fenced. */
  readonly sole?: SoleWork
}

/**
 * Works through a stream from where it stopped, also across restarts. What `work` does by itself it does at least once;
 * what it answers as statements is stored exactly once. What fails is tried again after a while, whether or not anything more
 * comes. Of several processes on a database the one that holds the lease does so.
 */
export class StreamFollower {
  readonly #parts: FollowerParts
  readonly #followed: FollowedStreams
  readonly #closing = new AbortController()
  #position: number | undefined
  #noted = 0
  #leading: Held | undefined
  #started: Promise<void> | undefined
  #running: Promise<void> | undefined
  #again = false
  /** The last step has failed: nobody waits for the next, which may fail as well. */
  #isFailing = false
  /** Who waits for which position. */
  readonly #waiting = new Set<{ readonly position: number; readonly done: () => void }>()

  constructor(parts: FollowerParts) {
    this.#parts = parts
    this.#followed = new FollowedStreams(parts.database)
    const { name, sole } = parts
    const bulletin = sole?.others?.bulletin
    bulletin?.on('follow', asked => {
      if (!isJsonObject(asked) || asked['name'] !== name || this.#leading === undefined) return
      const position = Number(asked['position'])
      const done = (): void => void bulletin.post('followed', { name, position })
      if ((this.#position ?? 0) >= position) done()
      else this.#waiting.add({ position, done })
    })
    bulletin?.on('followed', told => {
      if (isJsonObject(told) && told['name'] === name && this.#leading === undefined)
        this.#tell(Number(told['position']))
    })
  }

  /** Begins to follow, as soon as no other process does. */
  start(): void {
    const { database, sole = aloneWith(database) } = this.#parts
    this.#started ??= sole.run(this.#closing.signal, held => this.#lead(held))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#started
    this.#tell(Number.POSITIVE_INFINITY)
  }

  /**
   * Resolves when everything is worked on that was in the stream when it was called, so that whoever has written sees what
   * comes of it; also when the follower fails, is closed or has not begun, or the process that follows is silent. It does not begin to
   * follow.
   *
   * @param mostMs so long it takes at most
   */
  async caughtUp(mostMs = Number.POSITIVE_INFINITY): Promise<void> {
    const { name, stream, database, clock, sole } = this.#parts
    if (this.#started === undefined) return
    const position = database.position(stream)
    const stored = this.#position === undefined ? await this.#followed.position(name) : 0
    if (this.#closing.signal.aborted || this.#isFailing || (this.#position ?? stored) >= position) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting = { position, done: resolve }
    this.#waiting.add(waiting)
    const others = sole?.others
    if (this.#leading === undefined) void others?.bulletin.post('follow', { name, position })
    const patienceMs = others === undefined ? mostMs : Math.min(mostMs, PATIENCE_MS)
    if (!Number.isFinite(patienceMs)) return promise
    const patience = new AbortController()
    const tooLong = clock.sleep(patienceMs, patience.signal).catch(() => undefined)
    await Promise.race([promise, tooLong])
    patience.abort()
    this.#waiting.delete(waiting)
  }

  #tell(position: number): void {
    for (const waiting of [...this.#waiting]) {
      if (waiting.position > position) continue
      this.#waiting.delete(waiting)
      waiting.done()
    }
  }

  async #lead(held: Held): Promise<void> {
    const { database, stream, log, name } = this.#parts
    const { signal } = held
    this.#leading = held
    const stop = database.onCommit(moved => {
      if (moved.has(stream)) this.#wake(held)
    })
    this.#wake(held)
    if (!signal.aborted)
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
    stop()
    await this.#running
    if (this.#position !== undefined) {
      await this.#reach(this.#position, [], { every: 1, commit: held.commit }).catch(error => {
        if (!(error instanceof LeaseLost))
          log.error({ err: error, follower: name }, 'how far it came could not be noted')
      })
    }
    this.#leading = undefined
    // Others go on from what is written.
    this.#position = undefined
  }

  #wake(held: Held): void {
    if (!held.signal.aborted && this.#hasPassed()) return
    this.#again = true
    if (held.signal.aborted && this.#running === undefined) return
    this.#running ??= this.#run(held).finally(() => {
      this.#running = undefined
      // Something may have come between the last look and now.
      if (this.#again && !held.signal.aborted) this.#wake(held)
    })
  }

  /** Whether all that there is was of no concern, and need not be written down yet. */
  #hasPassed(): boolean {
    const { database, stream, passesOver } = this.#parts
    if (passesOver === undefined || this.#position === undefined || this.#running !== undefined) return false
    const upTo = database.position(stream)
    if (upTo - this.#noted >= NOTE_PASSED_EVERY || !passesOver(this.#position, upTo)) return false
    this.#position = upTo
    this.#tell(upTo)
    return true
  }

  /** Works through what there is; what fails, again after a pause. */
  #run(held: Held): Promise<void> {
    const { name, stream, clock, log } = this.#parts
    return persevere(() => this.#goOn(held), {
      ...{ clock, signal: held.signal },
      failed: error => {
        log.error({ err: error, stream, follower: name }, 'could not follow a stream')
        this.#isFailing = true
        // What they see is old.
        this.#tell(Number.POSITIVE_INFINITY)
      },
    })
  }

  async #goOn({ signal, commit }: Held): Promise<void> {
    const { name, stream, database, work, noteEvery = 1 } = this.#parts
    this.#again = false
    try {
      if (this.#position === undefined) {
        this.#position = await this.#followed.position(name)
        this.#noted = this.#position
      }
      while (!signal.aborted && this.#position < database.position(stream)) {
        const step = await work(this.#position, database.position(stream))
        if (typeof step === 'number') await this.#reach(step, [], { every: noteEvery, commit })
        else if (await this.#reach(step.reached, step.statements, { every: NOTE_PASSED_EVERY, commit }))
          step.committed?.()
        this.#isFailing = false
        this.#tell(this.#position)
      }
      this.#isFailing = false
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error
    }
  }

  /**
   * Stores what comes of a step and how far it is, if there is something to store or that is `every` positions further than
   * what is written; answers false if another has gone on from there: then nothing is stored, and it is looked where.
   */
  async #reach(
    reached: number,
    statements: readonly WriteStatement[],
    { every, commit }: { every: number; commit: Writer['commit'] },
  ): Promise<boolean> {
    const { name } = this.#parts
    if (statements.length > 0 || reached - this.#noted >= every) {
      const advanced = this.#followed.advanced(name, this.#noted, reached)
      const result = await commit({ statements: [advanced, ...statements] })
      if (!result.ok) {
        this.#noted = await this.#followed.position(name)
        this.#position = this.#noted
        return false
      }
      this.#noted = reached
    }
    this.#position = reached
    return true
  }
}
