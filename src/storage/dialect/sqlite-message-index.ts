import type { Prepared, Reader, WriteStatement } from '../database.ts'
import type { MessageHit, MessageIndex, MessageQuery } from '../rooms/message-index.ts'
import { type HitRow, hitOf } from './message-hit.ts'

/** For so many rooms the index itself leaves out all others; beyond, it finds in all and the join leaves out. */
const MAX_ROOMS_IN_QUERY = 200

/**
 * FTS5. The table keeps no text (the events have it); the room is a token like the words, so that a search in a few
 * rooms does not go through what everybody else has said.
 */
export class SqliteMessageIndex implements MessageIndex {
  readonly #db: Reader
  readonly #insert: Prepared
  readonly #remove: Prepared
  readonly #search: Prepared

  constructor(db: Reader) {
    this.#db = db
    const { inText, inInteger } = db.dialect
    this.#insert = db.prepare('INSERT OR REPLACE INTO message_words (rowid, words, room) VALUES (?, ?, ?)')
    this.#remove = db.prepare('DELETE FROM message_words WHERE rowid = ?')
    this.#search = db.prepare(
      `SELECT e.event_nid, e.room_nid, e.position, e.sender, -bm25(message_words, 1.0, 0.0) AS score
       FROM message_words JOIN events e ON e.event_nid = message_words.rowid
       WHERE message_words MATCH ? AND message_words.rowid <= ? AND e.position IS NOT NULL
         AND ${inInteger('e.room_nid')} AND ${inText('e.type')}
       ORDER BY message_words.rowid DESC LIMIT ?`,
    )
  }

  insert(message: { nid: number; roomNid: number; tokens: readonly string[] }): WriteStatement {
    const { nid, roomNid, tokens } = message
    return { prepared: this.#insert, rows: [[nid, tokens.join(' '), `r${roomNid}`]] }
  }

  remove(nids: readonly number[]): WriteStatement {
    return { prepared: this.#remove, rows: nids.map(nid => [nid]) }
  }

  async search({ phrases, roomNids, types, upToNid, limit }: MessageQuery): Promise<MessageHit[]> {
    const words = phrases.map(tokens => `"${tokens.join(' ')}"`).join(' AND ')
    const rooms = roomNids.map(nid => `r${nid}`).join(' OR ')
    const match =
      roomNids.length > MAX_ROOMS_IN_QUERY ? `words : (${words})` : `words : (${words}) AND room : (${rooms})`
    const rows = await this.#db.scan<HitRow>(this.#search, [
      match,
      upToNid,
      this.#db.list(roomNids),
      this.#db.list(types),
      limit,
    ])
    return rows.map(hitOf)
  }
}
