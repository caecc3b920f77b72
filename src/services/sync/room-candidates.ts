import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { SyncReader } from '../../storage/rooms/sync-reader.ts'
import { type Answer, andThen } from '../answer.ts'
import { END } from '../rooms/visible-ranges.ts'
import type { PartialSpans } from './partial-spans.ts'
import { RoomIds } from './room-ids.ts'
import type { RoomsNow } from './rooms-now.ts'
import type { ExtrasByRoom } from './sync-source.ts'

/** A joined room that may have news. */
export interface Candidate {
  readonly roomNid: number
  readonly roomId: string
  readonly joinedAt: number
}

/** Finds the rooms of a user of which there may be something to tell. */
export class RoomCandidates {
  readonly #rooms: RoomReaders['rooms']
  readonly #sync: SyncReader
  readonly #partial: PartialSpans
  readonly #roomIds: RoomIds

  constructor(parts: { rooms: RoomReaders['rooms']; sync: SyncReader; partial: PartialSpans }) {
    this.#rooms = parts.rooms
    this.#sync = parts.sync
    this.#partial = parts.partial
    this.#roomIds = new RoomIds(parts.rooms)
  }

  /** The joined rooms with news of any kind. */
  of(after: number, now: RoomsNow, extras: ExtrasByRoom): Answer<Candidate[]> {
    const withEvents = andThen(this.#withEvents(after, now), nids => this.#roomIds.of(nids))
    return andThen(withEvents, ids => {
      const found = Array.from(ids, ([roomNid, roomId]) => {
        return { roomNid, roomId, joinedAt: now.rooms.get(roomNid) ?? END }
      })
      return extras.size === 0 ? found : this.#withExtras(found, now, extras)
    })
  }

  #withEvents(after: number, now: RoomsNow): Answer<number[]> {
    const nids = [...now.rooms.keys()]
    if (now.isExact) return nids
    return this.#sync
      .withEvents(nids, after, now.upTo)
      .then(some => [...some, ...nids.filter(nid => this.#partial.isCompletedIn(nid, after, now.upTo))])
  }

  async #withExtras(others: readonly Candidate[], now: RoomsNow, extras: ExtrasByRoom): Promise<Candidate[]> {
    const found = new Map(others.map(candidate => [candidate.roomNid, candidate]))
    for (const roomId of extras.keys()) {
      const room = await this.#rooms.byId(roomId)
      if (room === undefined || found.has(room.nid)) continue
      const joinedAt = now.joined.get(room.nid)
      if (joinedAt !== undefined) found.set(room.nid, { roomNid: room.nid, roomId, joinedAt })
    }
    return [...found.values()]
  }
}
