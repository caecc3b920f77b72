import { authEventsFor } from '../core/auth/auth-events.ts'
import { canonicalJson, parseJson } from '../core/canonical-json.ts'
import { buildEvent } from '../core/event/builder.ts'
import type { RoomEvent } from '../core/event/event.ts'
import { parsePdu } from '../core/event/format.ts'
import type { RoomVersion } from '../core/room-versions.ts'
import { eventReferences } from '../services/rooms/event-references.ts'
import type { EventTemplate } from '../services/rooms/local-event.ts'
import type { RoomHead } from '../services/rooms/room-head.ts'
import { stateBefore } from '../services/rooms/state-at.ts'
import type { StoredEvent } from '../storage/rooms/events.ts'
import type { TestRooms } from './rooms.ts'

/** A server of the network, with what it has to tell the others. */
export class NetworkServer {
  readonly rooms: TestRooms
  readonly users: readonly string[]
  /** What each of the others has not been told yet. */
  readonly untold = new Map<NetworkServer, RoomEvent[]>()
  /** The event by which it came to know the room; what is older it knows from hearsay. */
  entry: RoomEvent | undefined

  constructor(rooms: TestRooms, users: readonly string[]) {
    this.rooms = rooms
    this.users = users
  }

  get name(): string {
    return this.rooms.core.context.serverName
  }

  get read(): TestRooms['core']['context']['read'] {
    return this.rooms.core.context.read
  }

  async stored(eventId: string): Promise<StoredEvent | undefined> {
    return this.read.events.byId(eventId)
  }
}

/** An event as it arrives over the wire. */
export const travelled = (event: RoomEvent, version: RoomVersion): RoomEvent => {
  const parsed = parsePdu(parseJson(canonicalJson(event.pdu)), version)
  if ('refusal' in parsed) throw new Error(parsed.refusal.message)
  return parsed.event
}

/** The state before an event, and what authorises it, as a server tells another. */
export const stateFrom = async (
  { read, name }: NetworkServer,
  eventId: string,
): Promise<{ state: RoomEvent[]; chain: RoomEvent[] }> => {
  const stored = await read.events.byId(eventId)
  if (stored?.position === undefined) throw new Error(`${name} does not know ${eventId}`)
  const nids = [...(await stateBefore(read, stored)).values()].map(entry => entry.nid)
  const load = async (wanted: readonly number[]): Promise<RoomEvent[]> =>
    (await read.events.byNids(wanted)).map(one => one.event)
  return { state: await load(nids), chain: await load(await read.authGraph.chain([...nids, stored.nid])) }
}

/** An event signed by a server, on what `resident` holds for the current state, whether the rules allow it or not. */
export const unchecked = async (
  server: NetworkServer,
  resident: { server: NetworkServer; head: RoomHead },
  template: EventTemplate,
  prevEvents: readonly string[],
): Promise<RoomEvent> => {
  const { context, signingKey } = server.rooms.core
  const { head } = resident
  const points = authEventsFor({ ...template, stateKey: template.stateKey }, head.version)
  const authEvents = points.flatMap(point => head.entry(point.type, point.stateKey)?.eventId ?? [])
  return buildEvent(
    {
      version: head.version,
      roomId: head.room.roomId,
      ...template,
      prevEvents,
      authEvents,
      depth: head.nextDepth,
      originServerTs: context.clock.now(),
      references: await eventReferences(resident.server.rooms.core.context, head.version, [
        ...prevEvents,
        ...authEvents,
      ]),
      eventId: `$${Buffer.from(context.random(18)).toString('base64url')}:${server.name}`,
    },
    server.name,
    signingKey,
  )
}
