import { serve } from './dialect/sqlite-serve.ts'
import { decodeSets } from './dialect/sqlite-wire.ts'
import { SqliteWriter } from './dialect/sqlite-writer.ts'

/** The writer thread: every write to an SQLite database of this process happens here. */

const IDLE_MS = 500

const writers = new Map<string, { writer: SqliteWriter; idle: NodeJS.Timeout | undefined }>()

/** Copying the log while nobody waits keeps it out of the way of the commits. */
const checkpoint = (writer: SqliteWriter): void => {
  try {
    writer.checkpoint()
  } catch {
    // Nothing is lost: the log stays, and what is wrong with the disk shows at the next commit.
  }
}

serve((body, textOf) => {
  const [op, path] = body
  if (op === 'close') {
    const closing = writers.get(path)
    clearTimeout(closing?.idle)
    closing?.writer.close()
    writers.delete(path)
    return null
  }
  if (op !== 'commit') throw new Error(`the writer thread does not ${op}`)
  const entry = writers.get(path) ?? { writer: new SqliteWriter(path, textOf), idle: undefined }
  writers.set(path, entry)
  clearTimeout(entry.idle)
  entry.idle = setTimeout(checkpoint, IDLE_MS, entry.writer).unref()
  return entry.writer.commit(decodeSets(body[2]))
})
