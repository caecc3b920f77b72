import type { Prepared, Reader } from '../database.ts'

/** A thread: the event that it hangs on, and what there is of it. */
export interface ThreadRow {
  readonly rootId: string
  readonly latestNid: number
  readonly latestPosition: number
  readonly count: number
}

interface ThreadColumns {
  root_id: string
  latest_nid: number
  latest_position: number
  count: number
}

const threadRow = (row: ThreadColumns): ThreadRow => ({
  rootId: row.root_id,
  latestNid: row.latest_nid,
  latestPosition: row.latest_position,
  count: row.count,
})

/** Reads threads as a whole (client-server API, "Threading"), which are counted as their events are stored. */
export class ThreadReader {
  readonly #db: Reader
  readonly #byRoots: Prepared
  readonly #participated: Prepared
  readonly #list: Prepared
  readonly #ownList: Prepared
  readonly #within: Prepared

  constructor(db: Reader) {
    this.#db = db
    const { inText } = db.dialect
    const thread = 'SELECT t.root_id, t.latest_nid, t.latest_position, t.count FROM threads t'
    this.#byRoots = db.prepare(`${thread} WHERE t.room_nid = ? AND ${inText('t.root_id')}`)
    const hasWritten = `EXISTS (SELECT 1 FROM relations r WHERE r.room_nid = t.room_nid AND r.parent_id = t.root_id
      AND r.rel_type = 'm.thread' AND r.sender = ?)`
    this.#participated = db.prepare(
      `SELECT t.root_id FROM threads t WHERE t.room_nid = ? AND ${inText('t.root_id')} AND ${hasWritten}`,
    )
    const older = 't.room_nid = ? AND t.latest_position < ?'
    const newestFirst = 'ORDER BY t.latest_position DESC LIMIT ?'
    this.#list = db.prepare(`${thread} WHERE ${older} ${newestFirst}`)
    this.#ownList = db.prepare(
      `${thread} WHERE ${older} AND (${hasWritten} OR EXISTS (
         SELECT 1 FROM events e WHERE e.event_id = t.root_id AND e.sender = ?)) ${newestFirst}`,
    )
    this.#within = db.prepare(
      `SELECT COUNT(*) AS n, MAX(position) AS latest FROM relations
       WHERE room_nid = ? AND parent_id = ? AND rel_type = 'm.thread' AND position > ? AND position <= ?
         AND NOT (${inText('sender')})`,
    )
  }

  /** The threads that hang on these events, by root ID. */
  async byRoots(roomNid: number, rootIds: readonly string[]): Promise<Map<string, ThreadRow>> {
    const rows = await this.#db.all<ThreadColumns>(this.#byRoots, [roomNid, this.#db.list(rootIds)])
    return new Map(rows.map(row => [row.root_id, threadRow(row)]))
  }

  /** Those of these threads that a user has written in. */
  async participated(roomNid: number, rootIds: readonly string[], userId: string): Promise<Set<string>> {
    const rows = await this.#db.all<{ root_id: string }>(this.#participated, [
      roomNid,
      this.#db.list(rootIds),
      userId,
    ])
    return new Set(rows.map(row => row.root_id))
  }

  /** How much of a thread is within a span, without some senders; the place of its newest event there. */
  async within(
    roomNid: number,
    rootId: string,
    part: { readonly after: number; readonly upTo: number; readonly without: ReadonlySet<string> },
  ): Promise<{ count: number; latestPosition: number | undefined }> {
    const [row] = await this.#db.scan<{ n: number; latest: number | null }>(this.#within, [
      roomNid,
      rootId,
      part.after,
      part.upTo,
      this.#db.list([...part.without]),
    ])
    return { count: row?.n ?? 0, latestPosition: row?.latest ?? undefined }
  }

  /** Threads of a room whose newest event is before a position, newest first; if given, those of a participant. */
  async list(
    roomNid: number,
    before: number,
    limit: number,
    participant: string | undefined,
  ): Promise<ThreadRow[]> {
    const rows =
      participant === undefined
        ? await this.#db.all<ThreadColumns>(this.#list, [roomNid, before, limit])
        : await this.#db.scan<ThreadColumns>(this.#ownList, [
            ...[roomNid, before, participant, participant],
            limit,
          ])
    return rows.map(threadRow)
  }
}
