import type { Database, Writer } from '../../storage/database.ts'
import { COUNTER, FollowedStreams } from '../../storage/followed-streams.ts'
import type { Bulletin } from '../bulletin.ts'
import { Gathering } from '../gathering.ts'
import type { Judged } from './batch-judge.ts'
import { NotifiedUsers } from './notices.ts'

/** Without anything to note, how far we are is written down this rarely (in positions). */
const NOTE_EVERY = 1_000

/** Told whom events notify, and who may have less to read because of them, once that is stored. */
export type OnStored = (notified: NotifiedUsers, relieved: ReadonlySet<string>) => void

interface StepsParts {
  readonly database: Database
  readonly commit: Writer['commit']
  /** Where other processes hear of it. */
  readonly bulletin: Bulletin | undefined
  onStored(reached: number, ...told: Parameters<OnStored>): void
  onFailure(): void
}

interface Step {
  readonly judged: Judged
  readonly done: () => void
}

/** The position up to which all events have been judged, and what came of it stored. */
export const storedPosition = (database: Database): Promise<number> =>
  new FollowedStreams(database).position(COUNTER)

/**
 * Stores what was judged, in the order in which it was, while more is being judged: what comes while a commit is under
 * way goes with the next. After a failure nothing more is stored: whoever judges has to begin anew, where `reached` is.
 */
export class JudgedSteps {
  readonly #parts: StepsParts
  readonly #followed: FollowedStreams
  readonly #storing = new Gathering<Step>(steps => this.#store(steps))
  #reached: number
  #noted: number
  #failure: { readonly error: unknown } | undefined

  /** @param reached the position that is stored */
  constructor(reached: number, parts: StepsParts) {
    this.#parts = parts
    this.#followed = new FollowedStreams(parts.database)
    this.#reached = reached
    this.#noted = reached
  }

  /** Up to where everything is stored. */
  get reached(): number {
    return this.#reached
  }

  /** Takes what was judged next. Resolves when it is stored, or will not be. */
  add(judged: Judged): Promise<void> {
    const { promise, resolve: done } = Promise.withResolvers<void>()
    this.#storing.add({ judged, done })
    return promise
  }

  /** Resolves when everything that was taken is stored, or will not be. */
  settled(): Promise<void> {
    return this.#storing.settled()
  }

  /** Throws what kept something from being stored. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** After a failure, and once all is settled: stores again what is judged from here on. */
  goOn(): void {
    this.#failure = undefined
  }

  /** What notified nobody is not judged once more after a restart, when rules may be others. */
  async noteEnd(): Promise<void> {
    if (this.#reached <= this.#noted) return
    await this.#parts.commit({ statements: [this.#followed.reached(COUNTER, this.#reached)] })
    this.#noted = this.#reached
  }

  async #store(steps: readonly Step[]): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#storeAll(steps.map(({ judged }) => judged))
    } catch (error) {
      this.#failure = { error }
      this.#parts.onFailure()
    }
    for (const { done } of steps) done()
  }

  async #storeAll(all: readonly Judged[]): Promise<void> {
    const { bulletin, commit, onStored } = this.#parts
    const upTo = all.at(-1)?.upTo ?? this.#reached
    const told = bulletin?.posted('counted', { upTo, rooms: [...new Set(all.flatMap(({ rooms }) => rooms))] })
    const statements = [...all.flatMap(judged => judged.statements), ...(told ?? [])]
    if (statements.length > 0 || upTo - this.#noted >= NOTE_EVERY) {
      await commit({ statements: [...statements, this.#followed.reached(COUNTER, upTo)] })
      this.#noted = upTo
    }
    this.#reached = upTo
    const relieved = new Set(all.flatMap(one => [...one.relieved]))
    onStored(upTo, new NotifiedUsers(all.flatMap(({ notices }) => notices)), relieved)
  }
}
