import { RecentChanges } from '../ephemeral/recent-changes.ts'

/** Rooms of which it is remembered when a membership last changed; beyond that all are forgotten. */
const MAX_ROOMS = 100_000

/** Where and when memberships have changed, as far as the stream `events` was followed. */
export class MemberMoves {
  readonly #recent: RecentChanges<number>
  readonly #newest = new Map<number, number>()
  /** Of rooms that are not in `#newest` nothing is known up to here. */
  #floor: number

  /** @param from the position at which following starts */
  constructor(from: number) {
    this.#recent = new RecentChanges(from)
    this.#floor = from
  }

  /** Memberships of these rooms have changed, or have come to be known, by a position; positions never fall. */
  add(position: number, roomNids: Iterable<number>): void {
    if (this.#newest.size > MAX_ROOMS) {
      this.#newest.clear()
      this.#floor = position
    }
    for (const roomNid of roomNids) {
      this.#recent.add(position, roomNid)
      this.#newest.set(roomNid, position)
    }
  }

  /** Whether a membership may have changed in one of these rooms in a span; `false` is certain. */
  mayBeIn(rooms: ReadonlyMap<number, unknown>, after: number, upTo: number): boolean {
    return this.#recent.between(after, upTo)?.some(roomNid => rooms.has(roomNid)) !== false
  }

  /** Whether a membership may have changed in a room after a position, as far as was followed; `false` is certain. */
  mayBeOf(roomNid: number, after: number): boolean {
    return after < (this.#newest.get(roomNid) ?? this.#floor)
  }
}
