/** What is asked of servers and clients once the network has healed. */
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { inOrderOf } from '../../services/rooms/judge-outliers.ts'
import { RoomOracle } from '../room-oracle.ts'
import { at, type SimulatedClient } from './simulated-client.ts'
import type { SimulatedServer } from './simulated-server.ts'
import type { Simulation } from './simulation.ts'
import type { Story } from './story.ts'

export const isJoined = async (simulation: Simulation, { userId, host }: SimulatedClient): Promise<boolean> =>
  (await headOf(simulation, host))?.memberships.get(userId) === 'join'

const headOf = async (simulation: Simulation, name: string) => {
  const server = simulation.server(name)
  return server && (await simulation.head(server.core))
}

export const plain = (map: ReadonlyMap<string, string>): string[] =>
  [...map].map(([key, id]) => `${key} ${id}`).sort()

/** What one server shows, every other shows, unless it was not in the room then, or has soft-failed it. */
export const checkHistory = async (
  { simulation, deeds: { acknowledged, sent } }: Story,
  parties: readonly SimulatedServer[],
  which: string,
): Promise<void> => {
  const events = await simulation.allEvents()
  for (const [eventId, name] of acknowledged) {
    const stored = await simulation.server(name)?.core.context.read.events.byId(eventId)
    notEqual(stored?.position, undefined, `${which}: ${name} has lost ${eventId}, which it had said was sent`)
  }
  for (const [name, eventIds] of sent) equal(eventIds.size, 1, `${which}: ${name} is one event`)
  const oracle = new RoomOracle(
    inOrderOf([...events.values()], event => [...event.prevEvents, ...event.authEvents]),
  )
  for (const event of events.values()) {
    for (const server of parties) {
      const stored = await server.core.context.read.events.byId(event.eventId)
      if (stored?.position !== undefined) continue
      const state = oracle.stateBefore(event.eventId)
      const members = [...state].filter(
        ([key, id]) =>
          key.startsWith('m.room.member') &&
          key.endsWith(`:${server.name}`) &&
          events.get(id)?.content['membership'] === 'join',
      )
      equal(
        members.length,
        0,
        `${which}: ${server.name} lacks ${event.type} ${event.eventId} of ${event.sender}`,
      )
    }
  }
}

/** What clients were told is what their servers have; messages for devices came once; devices are known as they are. */
export const checkClients = async (
  story: Story,
  parties: readonly SimulatedServer[],
  which: string,
): Promise<void> => {
  const { simulation } = story
  const { roomId, clients } = simulation
  await story.lookUp()
  for (const client of clients) {
    const name = `${which}: ${client.userId}`
    deepEqual(client.doubled, [], `${name} was told something twice`)
    for (const sender of clients) {
      const told = story.told.get(`${sender.userId} ${client.userId}`) ?? 0
      const numbers = Array.from({ length: told }, (_, n) => n)
      const received = client.messages.get(sender.userId) ?? []
      deepEqual(received, numbers, `${name}'s messages from ${sender.userId}`)
    }
  }
  const present: SimulatedClient[] = []
  for (const client of clients) {
    const isParty = parties.some(({ name }) => name === client.host)
    const isIn = await isJoined(simulation, client)
    // Whom all others hold to be out of the room nobody tells who else is in it, and who wants all members waits for them.
    if (!isParty && !client.isLazy && (await headOf(simulation, client.host))?.partial !== undefined) continue
    equal(client.rooms.has(roomId), isIn, `${which}: ${client.userId} is ${isIn ? '' : 'not '}in the room`)
    if (isIn) await checkRoom(story, client, which)
    if (isIn && isParty) present.push(client)
  }
  for (const client of present) {
    const others = present.map(other => other.userId).filter(userId => userId !== client.userId)
    await simulation.during(client.queryDevices(others))
    for (const userId of others) {
      const devices = client.devices.get(userId) as Record<string, { keys: Record<string, string> }>
      const key = devices['DEVICE']?.keys['curve25519:DEVICE']
      equal(key, story.keys.get(userId), `${which}: ${client.userId} knows the device of ${userId}`)
    }
  }
}

/** What a client has put together of the room is what there is. */
const checkRoom = async ({ simulation }: Story, client: SimulatedClient, which: string): Promise<void> => {
  const { roomId } = simulation
  const room = client.rooms.get(roomId)
  const name = `${which}: ${client.userId}`
  const { body } = await simulation.during(client.call('GET', `/rooms/${at(roomId)}/state`))
  const current = new Map<string, string>(
    body.map((event: Record<string, string>) => [
      `${event['type']} ${event['state_key']}`,
      event['event_id'] ?? '',
    ]),
  )
  // That something is not set any more, as after a conflict in which both sides lose, nobody can tell a client.
  const believed = [...(room?.state ?? [])].filter(([key]) => current.has(key))
  const told = [...current].filter(
    ([key]) => !client.isLazy || !key.startsWith('m.room.member ') || room?.state.has(key),
  )
  deepEqual(plain(new Map(believed)), plain(new Map(told)), `${name}'s state of the room`)
  const shown: string[] = []
  const first = room?.timeline[0] ?? ''
  for (let from = ''; !shown.includes(first); ) {
    const { body } = await simulation.during(
      client.call('GET', `/rooms/${at(roomId)}/messages?dir=b&limit=100${from && `&from=${at(from)}`}`),
    )
    for (const { event_id: eventId } of body.chunk) shown.push(eventId)
    if (body.end === undefined) break
    from = body.end
  }
  const since = shown.slice(0, shown.indexOf(first) + 1).reverse()
  deepEqual(room?.timeline, since, `${name}'s timeline`)
}
