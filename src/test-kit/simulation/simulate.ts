import { deepEqual, equal } from 'node:assert/strict'
import type { RoomVersion } from '../../core/room-versions.ts'
import { stateMapOf } from '../../services/rooms/room-head.ts'
import { checkDenied, checkHistory, isJoined, missingIn, plain } from './checks.ts'
import { checkClients } from './client-checks.ts'
import { checkDirect } from './direct-checks.ts'
import { partiesOf } from './parties.ts'
import { checkSight } from './sight-checks.ts'
import type { SimulatedServer } from './simulated-server.ts'
import { Simulation } from './simulation.ts'
import { Story } from './story.ts'

/** Longer than anything is put off, by clocks that are apart. Milliseconds. */
const LONGEST_MS = 4 * 60 * 60_000
/** Longer than it takes until an answer to an invitation that was not heard is told again. Milliseconds. */
const AGAIN_MS = 70_000

/** Lets all speak, then the first who can alone, until they agree what was the last word. */
const settle = async (story: Story): Promise<{ parties: SimulatedServer[]; ends: string[] }> => {
  const { simulation } = story
  let parties: SimulatedServer[] = []
  let ends: string[] = []
  const { acknowledged } = story.deeds
  const speak = async (name: string): Promise<boolean> => {
    for (const client of simulation.clientsOf(name)) {
      if (!(await isJoined(simulation, client))) continue
      const before = acknowledged.size
      await story.say(client)
      if (acknowledged.size > before) return true
    }
    return false
  }
  for (let round = 0; round < 5; round++) {
    const silent = new Set<string>()
    for (const name of simulation.names) if (!(await speak(name))) silent.add(name)
    await simulation.settle()
    for (const name of simulation.names) if (await speak(name)) break
    await simulation.settle()
    const heads = []
    for (const server of simulation.servers) heads.push({ server, head: await simulation.head(server.core) })
    // Soft failure parts those for good who never hear of each other again: see the convergence test.
    const { names } = await partiesOf(simulation)
    const together = heads.filter(({ server, head }) => names.has(server.name) && head?.hasHost(server.name))
    parties = together.map(({ server }) => server)
    ends = []
    for (const { server, head } of together) {
      const own = head?.extremities.map(end => end.eventId) ?? ['unknown']
      const isSilent = silent.has(server.name)
      ends.push((isSilent ? await withoutLoose(simulation, own, { server, parties }) : own).join(' '))
    }
    if (new Set(ends).size === 1 && ends[0]?.includes(' ') === false) break
  }
  return { parties, ends }
}

/**
 * Ends of a server where nobody may speak any more without those that stay ends for ever, since only what refers to them would change
 * that: what another server has soft-failed, as the last that was said in a room that was replaced meanwhile; and what came late to
 * where what refers to it for the others lies in a gap.
 */
const withoutLoose = async (
  simulation: Simulation,
  ends: readonly string[],
  { server, parties }: { server: SimulatedServer; parties: readonly SimulatedServer[] },
): Promise<string[]> => {
  const hasGap = (await missingIn(simulation, server)).length > 0
  const kept: string[] = []
  for (const eventId of ends) {
    const known = await Promise.all(parties.map(({ core }) => core.context.read.events.byId(eventId)))
    const isRefused = known.some(stored => stored?.softFailed === true)
    if (!isRefused && !(hasGap && (await isCovered(simulation, eventId, parties)))) kept.push(eventId)
  }
  return kept
}

/** Whether an event is in the room of one of the servers and no end there. */
const isCovered = async (
  simulation: Simulation,
  eventId: string,
  parties: readonly SimulatedServer[],
): Promise<boolean> => {
  for (const { core } of parties) {
    const head = await simulation.head(core)
    const stored = await core.context.read.events.byId(eventId)
    if (stored?.position !== undefined && head?.extremities.every(end => end.eventId !== eventId)) return true
  }
  return false
}

/** Holds what the servers have of the room against what must be; answers those that are in it together. */
const checkServers = async (story: Story): Promise<SimulatedServer[]> => {
  const { simulation } = story
  const { parties, ends } = await settle(story)
  equal(new Set(ends).size, 1, `the ends are the same: ${ends.join(' | ')}`)
  const states: string[][] = []
  for (const { core } of parties)
    states.push(plain(stateMapOf((await simulation.head(core))?.state ?? new Map())))
  for (const [index, state] of states.entries()) {
    deepEqual(state, states[0], `state of ${parties[index]?.name}`)
  }
  await checkDenied(story, parties)
  await checkHistory(story, parties)
  return parties
}

/** Whether somebody has declined to come, and is still invited as far as others know. */
const isUntold = async (simulation: Simulation): Promise<boolean> => {
  const { roomId, clients, servers } = simulation
  for (const { core } of servers) {
    const { memberships } = (await simulation.head(core)) ?? {}
    for (const { host, userId } of clients) {
      const read = simulation.server(host)?.core.context.read
      if (read === undefined || memberships?.get(userId) !== 'invite') continue
      const invitation = await simulation.during(read.invitations.one(userId, roomId))
      if (invitation?.status === 'declined') return true
    }
  }
  return false
}

/** Tells the story of a seed, and holds its end against what must be. Throws what is wrong with it. */
export const simulate = async (version: RoomVersion, seed: number, steps: number): Promise<void> => {
  const simulation = new Simulation(version, seed)
  const story = new Story(simulation)
  try {
    await story.begin()
    for (let i = 0; i < steps; i++) await story.step()
    simulation.weather.heal()
    await story.makeUp()
    await simulation.settle()
    // What waits for its time comes, and what ends has ended.
    if (simulation.plays.has('terms')) await simulation.pass(LONGEST_MS)
    else if (await isUntold(simulation)) await simulation.pass(AGAIN_MS)
    await simulation.settle()
    await story.gather()
    const home = simulation.roomId
    // The other room is as lively where people wander.
    const { den } = story.deeds
    if (simulation.plays.has('wandering')) {
      simulation.roomId = den
      await checkServers(story)
      simulation.roomId = home
    }
    if (simulation.plays.has('direct')) await checkDirect(story)
    if (simulation.plays.has('purging')) await story.purges.purge()
    const parties = await checkServers(story)
    await checkClients(story, parties)
    if (simulation.plays.has('sight')) await checkSight(simulation)
    deepEqual(story.keys.twice, [], 'keys for single use that were given to more than one')
    deepEqual(simulation.errors, [], 'nothing is broken')
  } catch (error) {
    const [what = ''] = String(error).split('\n')
    throw new Error(`version ${version.id}, TESSERA_SIMULATION_SEED=${seed}: ${what}`, { cause: error })
  } finally {
    await simulation.finish()
  }
}
