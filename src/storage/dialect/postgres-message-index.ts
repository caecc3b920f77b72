import type { Prepared, Reader, WriteStatement } from '../database.ts'
import type { MessageHit, MessageIndex, MessageQuery } from '../rooms/message-index.ts'
import { type HitRow, hitOf } from './message-hit.ts'

/** "Position values can range from 1 to 16383; larger numbers are silently set to 16383." */
const MAX_POSITION = 16_383

/** A `tsvector` under a GIN index. Vectors and queries are written out here: no text goes through PostgreSQL's parsers. */
export class PostgresMessageIndex implements MessageIndex {
  readonly #db: Reader
  readonly #insert: Prepared
  readonly #remove: Prepared
  readonly #search: Prepared

  constructor(db: Reader) {
    this.#db = db
    const { inText, inInteger } = db.dialect
    this.#insert = db.prepare(
      'INSERT INTO message_words (event_nid, room_nid, words) VALUES (?, ?, CAST(? AS tsvector)) ON CONFLICT DO NOTHING',
    )
    this.#remove = db.prepare('DELETE FROM message_words WHERE event_nid = ?')
    this.#search = db.prepare(
      `SELECT e.event_nid, e.room_nid, e.position, e.sender, ts_rank(w.words, q.q) AS score
       FROM (SELECT CAST(? AS tsquery) AS q) q
       JOIN message_words w ON w.words @@ q.q JOIN events e ON e.event_nid = w.event_nid
       WHERE w.event_nid <= ? AND e.position IS NOT NULL AND ${inInteger('w.room_nid')} AND ${inText('e.type')}
       ORDER BY w.event_nid DESC LIMIT ?`,
    )
  }

  insert(message: { nid: number; roomNid: number; tokens: readonly string[] }): WriteStatement {
    const { nid, roomNid, tokens } = message
    const vector = tokens
      .slice(0, MAX_POSITION)
      .map((token, index) => `'${token}':${index + 1}`)
      .join(' ')
    return { prepared: this.#insert, rows: [[nid, roomNid, vector]] }
  }

  remove(nids: readonly number[]): WriteStatement {
    return { prepared: this.#remove, rows: nids.map(nid => [nid]) }
  }

  async search({ phrases, roomNids, types, upToNid, limit }: MessageQuery): Promise<MessageHit[]> {
    const query = phrases.map(tokens => `(${tokens.map(token => `'${token}'`).join(' <-> ')})`).join(' & ')
    const rows = await this.#db.scan<HitRow>(this.#search, [
      query,
      upToNid,
      this.#db.list(roomNids),
      this.#db.list(types),
      limit,
    ])
    return rows.map(hitOf)
  }
}
