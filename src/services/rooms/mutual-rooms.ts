import { MatrixError } from '../../core/errors.ts'
import { isCompliantUserId } from '../../core/ids.ts'
import type { Reader } from '../../storage/database.ts'
import { SharedRoomReader } from '../../storage/rooms/shared-rooms.ts'

/** A page of rooms that two users have in common. */
export interface MutualRoomsPage {
  readonly joined: string[]
  /** How many there are in all. */
  readonly count: number
  readonly next_batch?: string
}

/** Which rooms users have in common (module "Mutual Rooms"). */
export class MutualRooms {
  readonly #read: SharedRoomReader
  readonly #pageSize: number

  constructor(db: Reader, options: { pageSize?: number } = {}) {
    this.#read = new SharedRoomReader(db)
    this.#pageSize = options.pageSize ?? 100
  }

  /**
   * The rooms that two users have both joined; users that there are not have none. Throws `M_INVALID_PARAM` for
   * oneself, for a malformed or historical user ID, and for a token that is not one.
   */
  async page(userId: string, otherId: string, from: string | undefined): Promise<MutualRoomsPage> {
    if (otherId === userId || !isCompliantUserId(otherId)) {
      throw new MatrixError('M_INVALID_PARAM', 'The user ID provided was invalid')
    }
    const after = from === undefined ? 0 : afterNid(from)
    const rooms = await this.#read.page(userId, otherId, after, this.#pageSize + 1)
    const shown = rooms.slice(0, this.#pageSize)
    const isLast = rooms.length <= this.#pageSize
    const last = shown.at(-1)
    return {
      joined: shown.map(({ roomId }) => roomId),
      count: after === 0 && isLast ? shown.length : await this.#read.count(userId, otherId),
      ...(!isLast && last !== undefined ? { next_batch: `m${last.nid}` } : {}),
    }
  }
}

/** Tokens name the last room that was told. */
const afterNid = (token: string): number => {
  const [, digits] = /^m(\d{1,15})$/.exec(token) ?? []
  if (digits === undefined) throw new MatrixError('M_INVALID_PARAM', 'from is not a token of this server')
  return Number(digits)
}
