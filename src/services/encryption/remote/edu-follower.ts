import type { StreamName, WriteStatement } from '../../../storage/database.ts'
import { StreamFollower } from '../../stream-follower.ts'
import type { EncryptionContext } from '../context.ts'
import type { KeepEdus, OutgoingEdu } from '../ports.ts'

/** What is to be said, and stored, because of a part of a stream; how far that part goes. */
export interface EduStep {
  readonly reached: number
  readonly edus: readonly OutgoingEdu[]
  readonly statements?: readonly WriteStatement[]
}

/** Follows a stream and tells other servers what comes of it: once, since what is to be said is stored with how far it is. */
export class EduFollower {
  readonly #follower: StreamFollower

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
    this.#follower = new StreamFollower({
      ...{ ...followed, database, clock, log, sole },
      work: async (after, upTo) => {
        const { reached, edus, statements = [] } = await work(after, upTo)
        if (edus.length === 0) return { reached, statements }
        const kept = keepEdus(edus)
        return { reached, statements: [...statements, ...kept.statements], committed: kept.committed }
      },
    })
  }

  start(): void {
    this.#follower.start()
  }

  /** Resolves when everything that is stored now has been followed. */
  caughtUp(): Promise<void> {
    return this.#follower.caughtUp()
  }

  async close(): Promise<void> {
    await this.#follower.close()
  }
}
