/** What is asked of servers once the network has healed. */
import { equal, notEqual } from 'node:assert/strict'
import { stateMapKey } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import { inOrderOf } from '../../services/rooms/judge-outliers.ts'
import { RoomOracle } from '../room-oracle.ts'
import { partiesOf } from './parties.ts'
import { isPurged } from './purge-deeds.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { SimulatedServer } from './simulated-server.ts'
import type { Simulation } from './simulation.ts'
import type { Story } from './story.ts'

export const isJoined = async (simulation: Simulation, { userId, host }: SimulatedClient): Promise<boolean> =>
  (await headOf(simulation, host))?.memberships.get(userId) === 'join'

export const headOf = async (simulation: Simulation, name: string) => {
  const server = simulation.server(name)
  return server && (await simulation.head(server.core))
}

export const plain = (map: ReadonlyMap<string, string>): string[] =>
  [...map].map(([key, id]) => `${key} ${id}`).sort()

/** The events that a server knows to lie in gaps of its timeline, until somebody pages over them. */
export const missingIn = async (simulation: Simulation, { core }: SimulatedServer): Promise<string[]> => {
  const { rooms, gaps } = core.context.read
  const room = await simulation.during(rooms.byId(simulation.roomId))
  if (room === undefined) return []
  const open = await simulation.during(gaps.ofRoom(room.nid))
  return (await Promise.all(open.map(gap => gaps.missing(room.nid, gap)))).flat()
}

/** What a server says that the room's access control list shuts out, nobody accepts. */
export const checkDenied = async (
  { simulation, deeds }: Story,
  parties: readonly SimulatedServer[],
): Promise<void> => {
  const { denied } = await partiesOf(simulation)
  for (const client of denied.flatMap(name => simulation.clientsOf(name))) {
    const { method, path, json } = deeds.saying(client)
    const { status, body } = await simulation.during(client.call(method, path, json))
    if (status !== 200) continue
    await simulation.settle()
    for (const { name, core } of parties) {
      const stored = await core.context.read.events.byId(body.event_id)
      equal(stored?.position, undefined, `${name} has accepted what ${client.userId} said`)
    }
  }
}

/**
 * What one server shows, every other shows, unless it was not in the room then, has soft-failed it, has a gap there, or one that was
 * shut out some time is concerned.
 */
export const checkHistory = async (
  { simulation, deeds: { acknowledged, sent, denied } }: Story,
  parties: readonly SimulatedServer[],
): Promise<void> => {
  const events = await simulation.allEvents()
  const { roomId } = simulation
  for (const [eventId, name] of acknowledged) {
    if (isPurged(simulation, name, eventId)) continue
    const stored = await simulation.server(name)?.core.context.read.events.byId(eventId)
    notEqual(stored?.position, undefined, `${name} has lost ${eventId}, which it had said was sent`)
  }
  for (const [name, eventIds] of sent) equal(eventIds.size, 1, `${name} is one event`)
  const oracle = new RoomOracle(
    inOrderOf([...events.values()], event => [...event.prevEvents, ...event.authEvents]),
  )
  // A join that a server which is shut out has signed, and alone has told of, comes to nobody, whoever joins.
  const carried = await simulation.allEvents(({ name }) => !denied.has(name))
  for (const server of parties.filter(({ name }) => !denied.has(name))) {
    const missing = await missingIn(simulation, server)
    const inGaps = new Set(missing.flatMap(eventId => [eventId, ...oracle.ancestors(eventId)]))
    const { before = 0 } = simulation.purged.get(`${server.name} ${roomId}`) ?? {}
    for (const event of carried.values()) {
      if (event.originServerTs < before) continue
      if (denied.has(serverNameOf(event.sender)) || inGaps.has(event.eventId)) continue
      const stored = await server.core.context.read.events.byId(event.eventId)
      if (stored?.position !== undefined) continue
      const joins = [...oracle.stateBefore(event.eventId)].flatMap(([key, id]) =>
        key.startsWith(stateMapKey('m.room.member', '@')) &&
        key.endsWith(`:${server.name}`) &&
        events.get(id)?.content['membership'] === 'join'
          ? id
          : [],
      )
      // A server that never heard the answer to its join does not know of that stay, and is told nothing that it can place.
      const known = await server.core.context.read.events.byIds(joins)
      const members = [...known.values()].filter(({ position }) => position !== undefined && position > 0)
      equal(members.length, 0, `${server.name} lacks ${event.type} ${event.eventId} of ${event.sender}`)
    }
  }
}
