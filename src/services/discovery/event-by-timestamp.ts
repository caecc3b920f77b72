import { MatrixError } from '../../core/errors.ts'
import { EventTimeReader } from '../../storage/rooms/event-times.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { AccessOf } from '../rooms/room-access.ts'
import type { Seeing, Sight } from '../rooms/room-sight.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { Instant, RemoteDiscovery } from './ports.ts'

type Direction = 'f' | 'b'

/** An event and when it was sent (`origin_server_ts`). */
export interface DatedEvent {
  readonly eventId: string
  readonly originServerTs: number
}

const BATCH = 50
/** Events in a row that the user may not see; then there is none that they may. */
const MAX_LOOKED_AT = 1_000

/** Finds the event of a room that is closest to an instant. */
export class EventByTimestamp {
  readonly #context: RoomsContext
  readonly #times: EventTimeReader
  readonly #remote: RemoteDiscovery
  readonly #access: AccessOf
  readonly #sights: Pick<Seeing, 'of'>

  constructor(parts: {
    context: RoomsContext
    remote: RemoteDiscovery
    access: AccessOf
    sights: Pick<Seeing, 'of'>
  }) {
    this.#access = parts.access
    this.#sights = parts.sights
    this.#context = parts.context
    this.#times = new EventTimeReader(parts.context.db)
    this.#remote = parts.remote
  }

  /**
   * The first visible event sent at or after an instant (`f`), or the last at or before it (`b`). Other servers are
   * asked where history is missing here that may hold a closer one, and it is fetched back to there.
   *
   * @param timestamp milliseconds since 1970
   *
   * Throws `M_NOT_FOUND`, `M_FORBIDDEN` (the user may not read the room).
   */
  async find(userId: string, roomId: string, timestamp: number, dir: Direction): Promise<DatedEvent> {
    const { read } = this.#context
    const { room } = await this.#access(read, userId, roomId)
    const nearest = async () =>
      this.#nearest(room.nid, await this.#sights.of(room.nid, userId), timestamp, dir)
    let found = await nearest()
    const missing = await this.#missing(room.nid, found, timestamp, dir)
    if (missing !== undefined) {
      const instant = { ts: timestamp, dir, known: found?.event.originServerTs, ...missing }
      if (await this.#remote.reachBack(roomId, instant)) found = await nearest()
    }
    if (found === undefined) {
      throw new MatrixError('M_NOT_FOUND', `There is no event ${dir === 'f' ? 'after' : 'before'} that`)
    }
    return { eventId: found.event.eventId, originServerTs: found.event.originServerTs }
  }

  async #nearest(
    roomNid: number,
    sight: Sight,
    timestamp: number,
    dir: Direction,
  ): Promise<StoredEvent | undefined> {
    const edge = dir === 'f' ? -Number.MAX_SAFE_INTEGER : Number.MAX_SAFE_INTEGER
    let place = { timestamp, position: edge }
    for (let lookedAt = 0; lookedAt < MAX_LOOKED_AT; lookedAt += BATCH) {
      const times = await this.#times.nearest(roomNid, dir, place, BATCH)
      const events = await this.#context.read.events.byNids(times.map(time => time.nid))
      const seen = events.find(stored => sight.sees(stored))
      if (seen !== undefined) return seen
      const last = times.at(-1)
      if (last === undefined || times.length < BATCH) return undefined
      place = last
    }
    return undefined
  }

  /** Where history is missing between the instant and what was found, if it is: before all that is here, or in a gap. */
  async #missing(
    roomNid: number,
    found: StoredEvent | undefined,
    timestamp: number,
    dir: Direction,
  ): Promise<Pick<Instant, 'base'> | undefined> {
    const { read } = this.#context
    const neighbours = await Promise.all([
      this.#times.nearest(roomNid, 'b', { timestamp, position: Number.MAX_SAFE_INTEGER }, 1),
      this.#times.nearest(roomNid, 'f', { timestamp, position: -Number.MAX_SAFE_INTEGER }, 1),
    ])
    const [earlier, later] = neighbours.map(([time]) => time?.position)
    const isCovered = dir === 'b' ? found !== undefined : earlier !== undefined
    if (!isCovered) return (await read.rooms.missingEvents(roomNid)).length > 0 ? {} : undefined
    if (earlier === undefined || later === undefined) return undefined
    const gaps = await read.gaps.ofRoom(roomNid)
    const gap = gaps.find(({ base, floor }) => base >= earlier && floor <= later)
    return gap && { base: gap.base }
  }
}
