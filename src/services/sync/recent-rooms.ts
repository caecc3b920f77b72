import { RecentChanges } from '../ephemeral/recent-changes.ts'

/** Rooms of which it is remembered when something last happened; beyond that all are forgotten. */
const MAX_ROOMS = 100_000

/**
 * Where something has happened lately, as far as the stream `events` was followed. Who is in few rooms is told by looking
 * at these, and who is in many by looking at what has happened.
 */
export class RecentRooms {
  readonly #recent: RecentChanges<number>
  readonly #newest = new Map<number, number>()
  readonly #maxRooms: number
  /** Of rooms that are not in `#newest` nothing is known up to here. */
  #floor: number

  /** @param from the position at which following starts */
  constructor(from: number, { maxRooms = MAX_ROOMS }: { maxRooms?: number } = {}) {
    this.#recent = new RecentChanges(from)
    this.#maxRooms = maxRooms
    this.#floor = from
  }

  /** Something has happened in a room by a position; positions never fall. */
  add(position: number, roomNid: number): void {
    if (this.#newest.size >= this.#maxRooms && !this.#newest.has(roomNid)) {
      this.#floor = position
      this.#newest.clear()
    }
    this.#recent.add(position, roomNid)
    this.#newest.set(roomNid, position)
  }

  /** Those of some rooms in which something has happened after a position; `undefined` if that is not remembered. */
  among<T>(rooms: ReadonlyMap<number, T>, after: number): Map<number, T> | undefined {
    const isShort = rooms.size < (this.#recent.countAfter(after) ?? Number.MAX_SAFE_INTEGER)
    return isShort && after >= this.#floor ? this.#byRoom(rooms, after) : this.#byChange(rooms, after)
  }

  #byRoom<T>(rooms: ReadonlyMap<number, T>, after: number): Map<number, T> {
    const found = new Map<number, T>()
    for (const [nid, room] of rooms) if ((this.#newest.get(nid) ?? 0) > after) found.set(nid, room)
    return found
  }

  #byChange<T>(rooms: ReadonlyMap<number, T>, after: number): Map<number, T> | undefined {
    const changes = this.#recent.between(after, Number.MAX_SAFE_INTEGER)
    if (changes === undefined) return undefined
    const found = new Map<number, T>()
    for (const nid of changes) {
      const room = rooms.get(nid)
      if (room !== undefined) found.set(nid, room)
    }
    return found
  }
}
