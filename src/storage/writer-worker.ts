import { failed, outcomeOf, serve } from './dialect/sqlite-serve.ts'
import { decodeSets, type WireBody, type WireOutcome, type WireSets } from './dialect/sqlite-wire.ts'
import { SqliteWriter } from './dialect/sqlite-writer.ts'

/** The writer thread: every write to an SQLite database of this process happens here. */

const IDLE_MS = 500

/** So many groups that have come while others were being committed share the next commit. */
const AT_ONCE = 8
/** Groups with more parameters than this share none: whoever stores a message does not wait for a large room to be stored. */
const MAX_VALUES = 20_000

const writers = new Map<string, { writer: SqliteWriter; idle: NodeJS.Timeout | undefined }>()

/** Copying the log while nobody waits keeps it out of the way of the commits. */
const checkpoint = (writer: SqliteWriter): void => {
  try {
    writer.checkpoint()
  } catch {
    // Nothing is lost: the log stays, and what is wrong with the disk shows at the next commit.
  }
}

const close = (path: string): null => {
  const closing = writers.get(path)
  clearTimeout(closing?.idle)
  closing?.writer.close()
  writers.delete(path)
  return null
}

/** Commits groups to one database together. */
const commit = (
  path: string,
  groups: readonly WireSets[],
  textOf: (id: number) => string,
): readonly WireOutcome[] => {
  try {
    const entry = writers.get(path) ?? { writer: new SqliteWriter(path, textOf), idle: undefined }
    writers.set(path, entry)
    clearTimeout(entry.idle)
    entry.idle = setTimeout(checkpoint, IDLE_MS, entry.writer).unref()
    return entry.writer.commit(groups.map(decodeSets)).map(answer => [answer, null])
  } catch (error) {
    return groups.map(() => failed(error))
  }
}

/** The groups of those commits to one database that stand first, and go together. */
const firstCommits = (path: string, bodies: readonly WireBody[]): WireSets[] => {
  const groups: WireSets[] = []
  let values = 0
  for (const [op, ofPath, sets] of bodies) {
    if (op !== 'commit' || ofPath !== path) break
    values += sets.values.length
    if (values > MAX_VALUES && groups.length > 0) break
    groups.push(sets)
  }
  return groups
}

serve((bodies, textOf) => {
  const outcomes: WireOutcome[] = []
  while (outcomes.length < bodies.length) {
    const rest = bodies.slice(outcomes.length)
    const [op, path = ''] = rest[0] ?? []
    if (op === 'commit') outcomes.push(...commit(path, firstCommits(path, rest), textOf))
    else if (op === 'close') outcomes.push(outcomeOf(() => close(path)))
    else outcomes.push(failed(new Error(`the writer thread does not ${op}`)))
  }
  return outcomes
}, AT_ONCE)
