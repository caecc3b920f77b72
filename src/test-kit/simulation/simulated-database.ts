import type { Clock } from '../../core/clock.ts'
import { type Database, DatabaseUnavailable } from '../../storage/database.ts'
import { SqliteDatabase, type SqliteHelpers } from '../../storage/dialect/sqlite.ts'
import { errorOf, SqliteConnection } from '../../storage/dialect/sqlite-connection.ts'
import {
  type CommitAnswer,
  decodeSets,
  type ReadAnswer,
  type WireBody,
} from '../../storage/dialect/sqlite-wire.ts'
import { SqliteWriter } from '../../storage/dialect/sqlite-writer.ts'
import type { SeededRandom } from '../seeded-random.ts'

/** What a thread may take for what it is asked, on the way there and on the way back. Milliseconds. */
const LATENCY_MS = 8

/** An SQLite database whose threads are simulated: what they take is drawn, and passes on the clock of the simulation. */
export interface SimulatedDatabase {
  readonly database: Database
  /** The end of its process: what has not come to the writer by now is lost, and what has is on disk. */
  kill(): void
  /** Closes the file, once what is under way is written, or lost. */
  close(): Promise<void>
}

type Thread = SqliteHelpers['writer']

/** Opens the migrated database in the file `path`. */
export const simulatedDatabase = (path: string, clock: Clock, random: SeededRandom): SimulatedDatabase => {
  const writer = new SqliteWriter(path, SqliteDatabase.textOf)
  const reader = new SqliteConnection(path, 'read', SqliteDatabase.textOf)
  let isOver = false
  /** One request after the other, as a thread works through them. */
  const thread = (work: (body: WireBody) => CommitAnswer | ReadAnswer): Thread => {
    let before: Promise<unknown> = Promise.resolve()
    return {
      request: async body => {
        if (body[0] === 'close') return null
        const turn = before.then(async () => {
          await clock.sleep(random.below(LATENCY_MS))
          if (isOver) throw new DatabaseUnavailable('the process has ended')
          try {
            return work(body)
          } catch (error) {
            throw errorOf(error)
          }
        })
        before = turn.catch(() => undefined)
        const answer = await turn
        await clock.sleep(random.below(LATENCY_MS))
        return answer
      },
    }
  }
  const commit = ([op, , sets]: WireBody) => {
    if (op !== 'commit') throw new Error(`a writer does not ${op}`)
    const [answer] = writer.commit([decodeSets(sets)])
    if (answer === undefined) throw new Error('a writer did not answer')
    return answer
  }
  const read = ([op, , reads]: WireBody) => {
    if (op !== 'read') throw new Error(`a reader does not ${op}`)
    return reads.map(([statement, parameters]) => reader.table(statement, parameters))
  }
  const database = new SqliteDatabase(path, {
    helpers: { writer: thread(commit), reader: thread(read) },
  })
  return {
    database,
    kill: () => {
      isOver = true
    },
    close: async () => {
      await database.close()
      writer.close()
      reader.close()
    },
  }
}
