import { RoomPurges } from '../../services/rooms/room-purge.ts'
import { BEGINNING } from '../../services/rooms/visible-ranges.ts'
import type { Simulation } from './simulation.ts'
import { unrestOf } from './unrest.ts'

/** So old things are when they are purged. Milliseconds. */
const AGES = [0, 1_000, 10_000]

/** What a server has purged of a room. */
export interface Purged {
  /** What was sent before is not expected to be there any more. Milliseconds since 1970. */
  readonly before: number
  /** Event IDs of what was in the timeline until then. */
  readonly gone: ReadonlySet<string>
}

/** Whether an event may be gone from a server. */
export const isPurged = ({ purged }: Simulation, name: string, eventId: string): boolean =>
  [...purged].some(([place, { gone }]) => place.startsWith(`${name} `) && gone.has(eventId))

/** One of the servers forgets what was long ago, as its operator wants: all others keep it. */
export class PurgeDeeds {
  readonly simulation: Simulation

  constructor(simulation: Simulation) {
    this.simulation = simulation
  }

  /** Purges some of the room, if the server has told all others what it has of its own. */
  async purge(): Promise<void> {
    const { simulation } = this
    const { random, roomId } = simulation
    const [, name = ''] = simulation.names
    const age = random.pick(AGES)
    const server = simulation.server(name)
    if (server === undefined) return
    const pending = await unrestOf(simulation, server)
    const room = await simulation.during(server.core.context.read.rooms.byId(roomId))
    if (pending.length > 0 || room === undefined) return
    const before = server.core.context.clock.now() - age
    const known = simulation.purged.get(`${name} ${roomId}`)
    const gone = new Set(known?.gone)
    // Also what its users were shown from before it came in.
    const range = { roomNid: room.nid, after: BEGINNING, upTo: Number.MAX_SAFE_INTEGER, limit: 10_000 }
    const shown = () => simulation.during(server.core.context.read.events.forwards(range))
    for (const { event } of await shown()) gone.add(event.eventId)
    const { signal } = new AbortController()
    await simulation.during(new RoomPurges(server.core.writer).purge(room, { before }, signal))
    for (const { event } of await shown()) gone.delete(event.eventId)
    simulation.purged.set(`${name} ${roomId}`, { before: Math.max(before, known?.before ?? 0), gone })
  }
}
