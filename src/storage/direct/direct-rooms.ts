import type { DirectClaim, Pair } from '../../core/direct-rooms.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** The room of a pair. */
export interface DirectRoomRow extends DirectClaim {
  readonly pair: Pair
}

interface Columns {
  low_user: string
  high_user: string
  room_id: string
  generation: number
  maker: string
}

const directRoomRow = (row: Columns): DirectRoomRow => ({
  pair: { low: row.low_user, high: row.high_user },
  roomId: row.room_id,
  generation: row.generation,
  maker: row.maker,
})

const SELECT = 'SELECT low_user, high_user, room_id, generation, maker FROM direct_rooms'

/** Reads which room is whose. */
export class DirectRoomReader {
  readonly #db: Reader
  readonly #ofPair: Prepared
  readonly #ofRoom: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#ofPair = db.prepare(`${SELECT} WHERE low_user = ? AND high_user = ?`)
    this.#ofRoom = db.prepare(`${SELECT} WHERE room_id = ?`)
  }

  async ofPair({ low, high }: Pair): Promise<DirectRoomRow | undefined> {
    const row = await this.#db.get<Columns>(this.#ofPair, [low, high])
    return row && directRoomRow(row)
  }

  /** The pair whose room this is. */
  async ofRoom(roomId: string): Promise<DirectRoomRow | undefined> {
    const row = await this.#db.get<Columns>(this.#ofRoom, [roomId])
    return row && directRoomRow(row)
  }
}

/** The guard of a claim: another room is the pair's by now. */
export const DIRECT_GUARD = 'direct-room'

/** Builds the statements that say which room is whose. */
export class DirectRoomWriter {
  readonly #insert: Prepared
  readonly #replace: Prepared
  readonly #release: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO direct_rooms (low_user, high_user, room_id, generation, maker) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    )
    this.#replace = db.prepare(
      `UPDATE direct_rooms SET room_id = ?, generation = ?, maker = ?
       WHERE low_user = ? AND high_user = ? AND room_id = ?`,
    )
    this.#release = db.prepare(
      'DELETE FROM direct_rooms WHERE low_user = ? AND high_user = ? AND room_id = ?',
    )
  }

  /**
   * Makes a room that of the pair, if theirs is still `before` (`undefined`: they had none). Guard `DIRECT_GUARD`.
   */
  claim({ low, high }: Pair, claim: DirectClaim, before: string | undefined): WriteStatement {
    const { roomId, generation, maker } = claim
    const guard = { name: DIRECT_GUARD, expected: 1 }
    return before === undefined
      ? { prepared: this.#insert, rows: [[low, high, roomId, generation, maker]], guard }
      : { prepared: this.#replace, rows: [[roomId, generation, maker, low, high, before]], guard }
  }

  /** The pair has no room any more, if it was this one. */
  release({ low, high }: Pair, roomId: string): WriteStatement {
    return { prepared: this.#release, rows: [[low, high, roomId]] }
  }
}
