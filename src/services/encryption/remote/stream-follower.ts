import type { Log } from '../../../core/log.ts'
import type { Database, StreamName } from '../../../storage/database.ts'
import { FollowedStreams } from '../../../storage/followed-streams.ts'

/**
 * Works through a stream from where it stopped, also across restarts: at least once. What fails is tried again with
 * the next commit.
 */
export class StreamFollower {
  readonly #parts: {
    readonly name: string
    readonly stream: StreamName
    readonly database: Database
    readonly log: Log
    /** Works on what is after a position; answers how far it came, at most `upTo`. */
    readonly work: (after: number, upTo: number) => Promise<number>
  }
  readonly #followed: FollowedStreams
  #position: number | undefined
  #stopListening: (() => void) | undefined
  #running: Promise<void> | undefined
  #again = false
  #isClosed = false

  constructor(parts: {
    name: string
    stream: StreamName
    database: Database
    log: Log
    work: (after: number, upTo: number) => Promise<number>
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
    const { name, stream, database, log, work } = this.#parts
    this.#again = false
    try {
      this.#position ??= await this.#followed.position(name)
      while (!this.#isClosed && this.#position < database.position(stream)) {
        const reached = await work(this.#position, database.position(stream))
        await database.commit({ statements: [this.#followed.reached(name, reached)] })
        this.#position = reached
      }
    } catch (error) {
      log.error({ err: error, stream, follower: name }, 'could not follow a stream')
    }
  }
}
