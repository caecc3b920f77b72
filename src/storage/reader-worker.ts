import { SqliteConnection, wireErrorOf } from './dialect/sqlite-connection.ts'
import { outcomeOf, serve } from './dialect/sqlite-serve.ts'
import type { ReadAnswer, WireBody } from './dialect/sqlite-wire.ts'

/** The reader thread: reads of SQLite databases that may take long, off the event loop. */

const readers = new Map<string, SqliteConnection>()

const answer = (body: WireBody, textOf: (id: number) => string): ReadAnswer | null => {
  const [op, path] = body
  if (op === 'close') {
    readers.get(path)?.close()
    readers.delete(path)
    return null
  }
  if (op !== 'read') throw new Error(`the reader thread does not ${op}`)
  const reader = readers.get(path) ?? new SqliteConnection(path, 'read', textOf)
  readers.set(path, reader)
  return body[2].map(([statement, parameters]) => {
    try {
      return reader.table(statement, parameters)
    } catch (error) {
      return { error: wireErrorOf(error) }
    }
  })
}

// One by one: nobody waits for what somebody else reads.
serve((bodies, textOf) => bodies.map(body => outcomeOf(() => answer(body, textOf))), 1)
