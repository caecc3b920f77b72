import { SqliteConnection, wireErrorOf } from './dialect/sqlite-connection.ts'
import { serve } from './dialect/sqlite-serve.ts'

/** The reader thread: reads of SQLite databases that may take long, off the event loop. */

const readers = new Map<string, SqliteConnection>()

serve((body, textOf) => {
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
})
