import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A room alias of this server. */
export interface AliasRow {
  readonly alias: string
  readonly roomId: string
  readonly creator: string
}

interface AliasColumns {
  alias: string
  room_id: string
  creator: string
}

const aliasRow = (row: AliasColumns): AliasRow => ({
  alias: row.alias,
  roomId: row.room_id,
  creator: row.creator,
})

/** Reads this server's room aliases. */
export class AliasReader {
  readonly #db: Reader
  readonly #one: Prepared
  readonly #ofRoom: Prepared
  readonly #ofRooms: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#one = db.prepare('SELECT alias, room_id, creator FROM room_aliases WHERE alias = ?')
    this.#ofRoom = db.prepare(
      'SELECT alias, room_id, creator FROM room_aliases WHERE room_id = ? ORDER BY alias LIMIT 1000',
    )
    this.#ofRooms = db.prepare(
      `SELECT alias, room_id, creator FROM (
         SELECT alias, room_id, creator, ROW_NUMBER() OVER (PARTITION BY room_id ORDER BY alias) AS nr
         FROM room_aliases WHERE ${db.dialect.inText('room_id')}) numbered
       WHERE nr <= 1000`,
    )
  }

  async one(alias: string): Promise<AliasRow | undefined> {
    const row = await this.#db.get<AliasColumns>(this.#one, [alias])
    return row && aliasRow(row)
  }

  async ofRoom(roomId: string): Promise<AliasRow[]> {
    return (await this.#db.all<AliasColumns>(this.#ofRoom, [roomId])).map(aliasRow)
  }

  /** The same of several rooms, in no order. */
  async ofRooms(roomIds: readonly string[]): Promise<AliasRow[]> {
    if (roomIds.length === 0) return []
    return (await this.#db.scan<AliasColumns>(this.#ofRooms, [this.#db.list(roomIds)])).map(aliasRow)
  }
}

/** Builds the statements that change aliases. */
export class AliasWriter {
  readonly #insert: Prepared
  readonly #delete: Prepared
  readonly #move: Prepared

  constructor(db: Reader) {
    this.#move = db.prepare('UPDATE room_aliases SET room_id = ? WHERE alias = ? AND room_id = ?')
    this.#insert = db.prepare(
      'INSERT INTO room_aliases (alias, room_id, creator, created_ts) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    )
    this.#delete = db.prepare('DELETE FROM room_aliases WHERE alias = ?')
  }

  /** Guard `alias`: the alias was free. */
  insert(row: AliasRow, now: number): WriteStatement {
    return {
      prepared: this.#insert,
      rows: [[row.alias, row.roomId, row.creator, now]],
      guard: { name: 'alias', expected: 1 },
    }
  }

  /** Guard `alias`: the alias was there. */
  delete(alias: string): WriteStatement {
    return { prepared: this.#delete, rows: [[alias]], guard: { name: 'alias', expected: 1 } }
  }

  /** Lets aliases lead to another room, as far as they still lead where the rows say. */
  move(rows: readonly AliasRow[], roomId: string): WriteStatement {
    return { prepared: this.#move, rows: rows.map(row => [roomId, row.alias, row.roomId]) }
  }
}
