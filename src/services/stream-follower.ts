import type { Log } from '../core/log.ts'
import type { Database, StreamName, WriteStatement } from '../storage/database.ts'
import { FollowedStreams } from '../storage/followed-streams.ts'

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

/**
 * Works through a stream from where it stopped, also across restarts. What `work` does by itself it does at least once;
 * what it answers as statements is stored exactly once. What fails is tried again with the next commit.
 */
export class StreamFollower {
  readonly #parts: {
    readonly name: string
    readonly stream: StreamName
    readonly database: Database
    readonly log: Log
    readonly work: Work
    readonly noteEvery?: number
  }
  readonly #followed: FollowedStreams
  #position: number | undefined
  #noted = 0
  #stopListening: (() => void) | undefined
  #running: Promise<void> | undefined
  #again = false
  #isClosed = false
  /** Who waits for which position. */
  readonly #waiting = new Set<{ readonly position: number; readonly done: () => void }>()

  constructor(parts: {
    name: string
    stream: StreamName
    database: Database
    log: Log
    work: Work
    /**
     * How far it came is written down after so many positions, and at the end: after a crash so much is worked on again.
     * For work that costs little and changes nothing the second time; by default it is written down each time.
     */
    noteEvery?: number
  }) {
    this.#parts = parts
    this.#followed = new FollowedStreams(parts.database)
  }

  /** Begins to follow. */
  start(): void {
    const { database, stream } = this.#parts
    this.#stopListening = database.onCommit(moved => {
      if (moved.has(stream)) this.#wake()
    })
    this.#wake()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopListening?.()
    await this.#running
    if (this.#position !== undefined) {
      await this.#reach(this.#position, [], 1).catch(error =>
        this.#parts.log.error(
          { err: error, follower: this.#parts.name },
          'how far it came could not be noted',
        ),
      )
    }
    this.#tell(Number.POSITIVE_INFINITY)
  }

  /**
   * Resolves when everything is worked on that was in the stream when it was called, so that whoever has written sees what
   * comes of it; also when the follower is closed. It does not begin to follow.
   */
  async caughtUp(): Promise<void> {
    const { name, stream, database } = this.#parts
    const position = database.position(stream)
    const stored = this.#position === undefined ? await this.#followed.position(name) : 0
    if (this.#isClosed || (this.#position ?? stored) >= position) return
    await new Promise<void>(done => this.#waiting.add({ position, done }))
  }

  #tell(position: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.position > position) continue
      this.#waiting.delete(waiting)
      waiting.done()
    }
  }

  #wake(): void {
    this.#again = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      // Something may have come between the last look and now.
      if (this.#again && !this.#isClosed) this.#wake()
    })
  }

  async #run(): Promise<void> {
    const { name, stream, database, log, work, noteEvery = 1 } = this.#parts
    this.#again = false
    try {
      if (this.#position === undefined) {
        this.#position = await this.#followed.position(name)
        this.#noted = this.#position
      }
      while (!this.#isClosed && this.#position < database.position(stream)) {
        const step = await work(this.#position, database.position(stream))
        if (typeof step === 'number') await this.#reach(step, [], noteEvery)
        else if (await this.#reach(step.reached, step.statements, NOTE_PASSED_EVERY)) step.committed?.()
        this.#tell(this.#position)
      }
    } catch (error) {
      log.error({ err: error, stream, follower: name }, 'could not follow a stream')
      // What they see is old, but they need not wait for a commit that may be long in coming.
      this.#tell(Number.POSITIVE_INFINITY)
    }
  }

  /**
   * Stores what comes of a step and how far it is, if there is something to store or that is `every` positions further than
   * what is written; answers false if another has gone on from there: then nothing is stored, and it is looked where.
   */
  async #reach(reached: number, statements: readonly WriteStatement[], every: number): Promise<boolean> {
    const { name, database } = this.#parts
    if (statements.length > 0 || reached - this.#noted >= every) {
      const advanced = this.#followed.advanced(name, this.#noted, reached)
      const result = await database.commit({ statements: [advanced, ...statements] })
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
