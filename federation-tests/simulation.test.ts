import test, { type ExecutionContext } from 'ava'
import { type RoomVersion, roomVersions } from '../src/core/room-versions.ts'
import { inOrderOf } from '../src/services/rooms/judge-outliers.ts'
import { stateMapOf } from '../src/services/rooms/room-head.ts'
import type { WorldServer } from '../src/test-kit/federation-world.ts'
import { attemptIn, USERS } from '../src/test-kit/random-network.ts'
import { RoomOracle } from '../src/test-kit/room-oracle.ts'
import { Simulation } from '../src/test-kit/simulation.ts'

/**
 * Whole servers that are killed now and then, over a network that loses, delays, repeats and parts: once it has healed, all
 * of them are in the same room. `TESSERA_SIMULATION_SEED=… npx ava federation-tests/simulation.test.ts` replays a seed, as far as threads let it;
 * `TESSERA_SIMULATION_RUNS=1000` makes that many.
 */
const SEED = process.env['TESSERA_SIMULATION_SEED']
const FIRST = Number(process.env['TESSERA_SIMULATION_FIRST'] ?? 1)
const RUNS = Number(process.env['TESSERA_SIMULATION_RUNS'] ?? 2)
const STEPS = Number(process.env['TESSERA_SIMULATION_STEPS'] ?? 25)

const isJoined = async (simulation: Simulation, server: WorldServer, userId: string): Promise<boolean> =>
  (await server.core.writer.head(simulation.roomId))?.memberships.get(userId) === 'join'

/** One thing that happens: somebody tries something. */
const step = async (simulation: Simulation): Promise<void> => {
  const { random, servers, roomId } = simulation
  const index = random.below(servers.length)
  const server = servers[index]
  const users = USERS[index] ?? []
  if (server === undefined) return
  if (random.chance(0.15)) {
    simulation.weather.part(new Map(servers.map(({ name }) => [name, random.below(2)])))
  }
  const user = random.pick(users)
  const others = USERS.slice(0, servers.length)
    .flat()
    .filter(one => !one.startsWith('@alice'))
  const target = random.pick(others)
  if (!(await simulation.isIn(server)) || random.chance(0.05)) {
    if (random.chance(0.1)) await killed(simulation, server, () => simulation.enter(server, user))
    else await simulation.join(server, user)
    return
  }
  const events = [...(await simulation.allEvents()).values()]
  const template = attemptIn({ user, target, random, events, version: simulation.version })
  if (random.chance(0.05)) {
    await killed(simulation, server, () => server.core.sender.send(roomId, template))
    return
  }
  await simulation.attempt(async () => {
    const { event } = await server.core.sender.send(roomId, template)
    if (event !== undefined) simulation.acknowledged.set(event.eventId, server.name)
  })
  await simulation.pass(random.below(300))
}

/** Kills a server while it does something and its peers talk to it. */
const killed = async (
  simulation: Simulation,
  server: WorldServer,
  work: () => Promise<unknown>,
): Promise<void> => {
  work().catch(() => undefined)
  await simulation.pass(simulation.random.below(200))
  await simulation.kill(server)
}

const plain = (map: ReadonlyMap<string, string>): string[] =>
  [...map].map(([key, id]) => `${key} ${id}`).sort()

/** Lets all speak, then the first alone, until they agree what was the last word. */
const settle = async (simulation: Simulation): Promise<{ parties: WorldServer[]; ends: string[] }> => {
  let parties: WorldServer[] = []
  let ends: string[] = []
  const speak = async (server: WorldServer, users: readonly string[]): Promise<void> => {
    for (const sender of users) {
      if (!(await isJoined(simulation, server, sender))) continue
      const content = { body: 'settled?' }
      await simulation.attempt(() =>
        server.core.sender.send(simulation.roomId, { type: 'm.room.message', sender, content }),
      )
      return
    }
  }
  for (let round = 0; round < 5; round++) {
    for (const [index, server] of simulation.servers.entries()) await speak(server, USERS[index] ?? [])
    await simulation.settle()
    const [first] = simulation.servers
    if (first !== undefined) await speak(first, USERS[0] ?? [])
    await simulation.settle()
    const heads = await Promise.all(
      simulation.servers.map(async server => ({
        server,
        head: await server.core.writer.head(simulation.roomId),
      })),
    )
    // Soft failure parts those for good who never hear of each other again: see the convergence test.
    const firstHead = heads[0]?.head
    const together = heads.filter(
      ({ server, head }) => firstHead?.hasHost(server.name) && head?.hasHost(server.name),
    )
    parties = together.map(({ server }) => server)
    ends = together.map(({ head }) => head?.extremities.map(end => end.eventId).join(' ') ?? 'unknown')
    if (new Set(ends).size === 1 && ends[0]?.includes(' ') === false) break
  }
  return { parties, ends }
}

const run = async (t: ExecutionContext, version: RoomVersion, seed: number): Promise<void> => {
  const which = `version ${version.id}, TESSERA_SIMULATION_SEED=${seed}`
  const cleanUp: (() => unknown)[] = []
  const simulation = new Simulation(
    {
      teardown: clean => void cleanUp.push(clean),
      log: (...values) => t.log(which, ...values),
    } as ExecutionContext,
    version,
    seed,
  )
  try {
    await simulation.begin()
    for (let i = 0; i < STEPS; i++) await step(simulation)
    simulation.weather.heal()
    await simulation.settle()
    const { parties, ends } = await settle(simulation)
    t.is(new Set(ends).size, 1, `${which}: the ends are the same: ${ends.join(' | ')}`)
    const states = await Promise.all(
      parties.map(async server => {
        const head = await server.core.writer.head(simulation.roomId)
        return plain(stateMapOf(head?.state ?? new Map()))
      }),
    )
    for (const [index, state] of states.entries()) {
      t.deepEqual(state, states[0], `${which}: state of ${parties[index]?.name}`)
    }
    await checkHistory(t, simulation, parties, which)
  } catch (error) {
    if (error instanceof Error) error.message = `${which}: ${error.message}`
    throw error
  } finally {
    simulation.clock.advance(0).catch(() => undefined)
    for (const clean of cleanUp.reverse()) await simulation.during(Promise.resolve(clean()))
  }
}

/** What one server shows, every other shows, unless it was not in the room then, or has soft-failed it. */
const checkHistory = async (
  t: ExecutionContext,
  simulation: Simulation,
  parties: readonly WorldServer[],
  which: string,
): Promise<void> => {
  const events = await simulation.allEvents()
  for (const [eventId, name] of simulation.acknowledged) {
    const stored = await simulation.world.servers.get(name)?.core.context.read.events.byId(eventId)
    t.not(stored?.position, undefined, `${which}: ${name} has lost ${eventId}, which it had said was sent`)
  }
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
      t.is(
        members.length,
        0,
        `${which}: ${server.name} lacks ${event.type} ${event.eventId} of ${event.sender}`,
      )
    }
  }
}

const versions = [...roomVersions.values()]

test.serial('servers come to the same room over a network that heals', async t => {
  t.timeout(3_600_000)
  const seeds =
    SEED === undefined ? Array.from({ length: RUNS }, (_, index) => FIRST + index) : [Number(SEED)]
  for (const seed of seeds) {
    const version = versions[seed % versions.length]
    if (version !== undefined) await run(t, version, seed)
  }
})
