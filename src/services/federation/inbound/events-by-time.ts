import { MatrixError } from '../../../core/errors.ts'
import { ServerMembershipReader } from '../../../storage/federation/server-memberships.ts'
import { EventTimeReader } from '../../../storage/rooms/event-times.ts'
import type { RoomsContext, RoomWriter } from '../../rooms/room-writer.ts'
import type { RoomGate } from './room-gate.ts'
import { serverSightOf } from './server-sight.ts'

const BATCH = 50
/** Events in a row that the server may not see; then there is none that it may. */
const MAX_LOOKED_AT = 1_000

/** Finds, for servers in a room, the event that was sent closest to an instant. */
export class EventsByTime {
  readonly #context: RoomsContext
  readonly #gate: RoomGate
  readonly #times: EventTimeReader
  readonly #members: ServerMembershipReader

  constructor(parts: { writer: RoomWriter; gate: RoomGate }) {
    this.#context = parts.writer.context
    this.#gate = parts.gate
    this.#times = new EventTimeReader(this.#context.db)
    this.#members = new ServerMembershipReader(this.#context.db)
  }

  /**
   * The first event at or after `ts` (milliseconds since 1970; direction `f`), or the last at or before it (`b`), as
   * far as this server has the room's history: whoever asks has others to ask (server-server API,
   * `GET …/timestamp_to_event`).
   *
   * Throws `M_NOT_FOUND` (no such room, no such event), `M_FORBIDDEN` (the server is not in the room).
   */
  async nearest(
    origin: string,
    roomId: string,
    { ts, dir }: { readonly ts: number; readonly dir: 'f' | 'b' },
  ): Promise<{ eventId: string; originServerTs: number }> {
    const { room } = await this.#gate.member(origin, roomId)
    const { read, erasures } = this.#context
    const shown = await serverSightOf(read, this.#members, room.nid, origin, await erasures.current())
    let place = { timestamp: ts, position: dir === 'f' ? -Number.MAX_SAFE_INTEGER : Number.MAX_SAFE_INTEGER }
    for (let lookedAt = 0; lookedAt < MAX_LOOKED_AT; lookedAt += BATCH) {
      const times = await this.#times.nearest(room.nid, dir, place, BATCH)
      const events = await read.events.byNids(times.map(time => time.nid))
      const [seen] = await shown(events)
      if (seen !== undefined) return seen.event
      const last = times.at(-1)
      if (last === undefined || times.length < BATCH) break
      place = last
    }
    throw new MatrixError('M_NOT_FOUND', `No event is known ${dir === 'f' ? 'after' : 'before'} that`)
  }
}
