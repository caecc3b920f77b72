import { searchTokens } from '../../core/search-text.ts'
import { searchedText } from '../../core/searched-text.ts'
import type { Database } from '../../storage/database.ts'
import { roomReaders, roomWriters } from '../../storage/rooms/index.ts'

const BATCH = 1_000

/**
 * Puts everything that can be searched into the index of words, which a dump does not hold. What is there already stays.
 *
 * @param onProgress told how many events have been looked at
 */
export const rebuildMessageIndex = async (
  database: Database,
  onProgress: (events: number) => void = () => undefined,
): Promise<void> => {
  const read = roomReaders(database)
  const write = roomWriters(database)
  const next = database.prepare(
    `SELECT event_nid FROM events
     WHERE event_nid > ? AND position IS NOT NULL AND rejected IS NULL AND soft_failed = 0 AND redacted_by IS NULL
     ORDER BY event_nid LIMIT ${BATCH}`,
  )
  let events = 0
  for (let after = 0; ; ) {
    const rows = await database.scan<{ event_nid: number }>(next, [after])
    const stored = await read.events.byNids(rows.map(row => row.event_nid))
    const statements = stored.flatMap(({ nid, roomNid, event }) => {
      const tokens = searchTokens(searchedText(event) ?? '')
      return tokens.length === 0 ? [] : [write.messages.insert({ nid, roomNid, tokens })]
    })
    if (statements.length > 0) await database.commit({ statements })
    events += rows.length
    onProgress(events)
    if (rows.length < BATCH) return
    after = rows.at(-1)?.event_nid ?? after
  }
}
