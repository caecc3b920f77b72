import { CanonicalJsonError } from '../../../core/canonical-json.ts'
import type { Log } from '../../../core/log.ts'
import type { StreamName, WriteStatement } from '../../../storage/database.ts'
import type { KeepEdus, KeptEdu } from '../../kept-edus.ts'
import { StreamFollower } from '../../stream-follower.ts'
import type { EncryptionContext } from '../context.ts'

/** What is to be said, and stored, because of a part of a stream; how far that part goes. */
export interface EduStep {
  readonly reached: number
  readonly edus: readonly KeptEdu[]
  readonly statements?: readonly WriteStatement[]
}

/** Follows a stream and tells other servers what comes of it: once, since what is to be said is stored with how far it is. */
export class EduFollower {
  readonly #follower: StreamFollower
  readonly #log: Log

  constructor(
    context: EncryptionContext,
    parts: {
      name: string
      stream: StreamName
      keepEdus: KeepEdus
      work: (after: number, upTo: number) => Promise<EduStep>
    },
  ) {
    const { database, clock, log, listSending: sole } = context
    const { keepEdus, work, ...followed } = parts
    this.#log = log
    this.#follower = new StreamFollower({
      ...{ ...followed, database, clock, log, sole },
      work: async (after, upTo) => {
        const { reached, edus, statements = [] } = await work(after, upTo)
        if (edus.length === 0) return { reached, statements }
        const kept = keepEdus(edus.filter(edu => this.#canBeSaid(edu, parts)))
        return { reached, statements: [...statements, ...kept.statements], committed: kept.committed }
      },
    })
  }

  /** What was stored by an earlier version need have no canonical form: nobody else's news waits for it. */
  #canBeSaid(edu: KeptEdu, { name, keepEdus }: { name: string; keepEdus: KeepEdus }): boolean {
    try {
      keepEdus([edu])
      return true
    } catch (error) {
      if (!(error instanceof CanonicalJsonError)) throw error
      this.#log.warn(
        { follower: name, user: edu.content['user_id'], err: error },
        'keys cannot be told to others',
      )
      return false
    }
  }

  start(): void {
    this.#follower.start()
  }

  /** Resolves when everything that is stored now has been followed, or after so many milliseconds. */
  caughtUp(mostMs?: number): Promise<void> {
    return this.#follower.caughtUp(mostMs)
  }

  async close(): Promise<void> {
    await this.#follower.close()
  }
}
