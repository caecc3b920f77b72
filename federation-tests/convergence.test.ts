import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { RoomVersion } from '../src/core/room-versions.ts'
import { roomVersions } from '../src/core/room-versions.ts'
import { stateMapOf } from '../src/services/rooms/room-head.ts'
import { stateBefore } from '../src/services/rooms/state-at.ts'
import type { Database } from '../src/storage/database.ts'
import { openDatabase } from '../src/storage/open.ts'
import { FakeClock } from '../src/test-kit/fake-clock.ts'
import { NetworkServer } from '../src/test-kit/network-server.ts'
import { ALICE, NAMES, step, USERS } from '../src/test-kit/random-network.ts'
import { RoomNetwork } from '../src/test-kit/room-network.ts'
import { RoomOracle } from '../src/test-kit/room-oracle.ts'
import { type TestRooms, testRooms } from '../src/test-kit/rooms.ts'
import { SeededRandom } from '../src/test-kit/seeded-random.ts'
import { sqliteTemplate } from '../src/test-kit/templates.ts'

/**
 * Servers that talk past each other and then hear all must come to the same room: the same verdicts, the same states,
 * the same ends. A room is a seed; `TESSERA_CONVERGENCE_SEED=… npx ava federation-tests/convergence.test.ts` replays one,
 * `TESSERA_CONVERGENCE_RUNS=1000` makes that many of each version.
 */
const SEED = process.env['TESSERA_CONVERGENCE_SEED']
const RUNS = Number(process.env['TESSERA_CONVERGENCE_RUNS'] ?? 1)
const STEPS = Number(process.env['TESSERA_CONVERGENCE_STEPS'] ?? 30)

/** Nothing here needs a disk that survives. */
const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tessera-convergence-'))
let databases: Database[] = []

/** Started once, for all rooms. */
test.before(async () => {
  const template = await sqliteTemplate()
  databases = await Promise.all(
    NAMES.map(name => {
      copyFileSync(template, join(directory, name))
      return openDatabase({ kind: 'sqlite', path: join(directory, name) })
    }),
  )
})

/** Servers for one room: all that is in its events follows from the seed. */
const startServers = (count: number, seed: number): Promise<TestRooms[]> =>
  Promise.all(
    databases.slice(0, count).map((database, index) => {
      const random = new SeededRandom(seed * 8 + index)
      return testRooms(database, {
        serverName: NAMES[index] ?? '',
        seed: index + 1,
        clock: new FakeClock(Date.UTC(2026, 0, 1) + seed),
        random: size => Uint8Array.from({ length: size }, () => random.below(256)),
      })
    }),
  )

test.after.always(async () => {
  await Promise.all(databases.map(database => database.close()))
  rmSync(directory, { recursive: true, force: true })
})

const grow = async (version: RoomVersion, seed: number): Promise<RoomNetwork> => {
  const random = new SeededRandom(seed)
  const count = 3 + random.below(3)
  const network = new RoomNetwork(
    (await startServers(count, seed)).map((one, index) => new NetworkServer(one, USERS[index] ?? [])),
    version,
    random,
  )
  await network.create(ALICE)
  const [first] = network.servers
  for (const server of network.servers.slice(1)) {
    if (first !== undefined && random.chance(0.8))
      await network.joinThrough(server, first, server.users[0] ?? '')
  }
  let partition = network.servers.map(() => 0)
  for (let i = 0; i < STEPS; i++) {
    if (random.chance(0.15)) partition = network.servers.map(() => random.below(2))
    await step(network, random, partition)
  }
  return network
}

/** Holds what a server has concluded against what is true of the events. */
const checkServer = async (
  t: ExecutionContext,
  server: NetworkServer,
  network: RoomNetwork,
  oracle: RoomOracle,
  which: string,
): Promise<void> => {
  const head = await server.rooms.core.writer.head(network.roomId)
  if (head === undefined || server.entry === undefined) return
  const ends = head.extremities.map(end => end.eventId)
  const name = `${which} ${server.name}`
  t.deepEqual(
    plain(stateMapOf(head.state)),
    plain(oracle.stateAfterAll(ends)),
    `${name}: current state after ${ends.length}`,
  )
  const redacted = new Set<string>()
  const placed = []
  for (const event of network.inOrder()) {
    if (network.isHearsay(server, event.eventId)) continue
    const stored = await server.stored(event.eventId)
    if (stored?.position === undefined) {
      t.fail(`${name}: ${event.type} ${event.eventId} is not here`)
      continue
    }
    t.is(
      stored.rejected !== undefined,
      oracle.isRejected(event.eventId),
      `${name}: ${event.type} ${event.eventId} ${stored.rejected}`,
    )
    const before = stateMapOf(await stateBefore(server.read, stored))
    t.deepEqual(
      plain(before),
      plain(oracle.stateBefore(event.eventId)),
      `${name}: before ${event.type} ${event.eventId}`,
    )
    placed.push(stored)
    const target = network.events.get(event.redacts ?? '')
    const counts = stored.rejected === undefined && !stored.softFailed
    if (target !== undefined && counts && oracle.redacts(event, target)) redacted.add(target.eventId)
  }
  for (const stored of placed) {
    t.is(
      stored.redactedBy !== undefined,
      redacted.has(stored.event.eventId),
      `${name}: redaction of ${stored.event.eventId}`,
    )
  }
}

const plain = (map: ReadonlyMap<string, string>): string[] =>
  [...map].map(([key, id]) => `${key} ${id}`).sort()

const speak = async (network: RoomNetwork, server: NetworkServer): Promise<boolean> => {
  const head = server.entry && (await server.rooms.core.writer.head(network.roomId))
  const sender = server.users.find(user => head?.memberships.get(user) === 'join')
  if (sender === undefined) return false
  await network.send(server, { type: 'm.room.message', sender, content: { body: 'settled?' } })
  return true
}

/**
 * Lets all servers that are in the room speak, then the first alone, until they agree on what was the last word: what
 * one of them accepted and others soft-failed is tied in by who speaks after it.
 */
const settle = async (network: RoomNetwork): Promise<string[]> => {
  let ends: string[] = []
  for (let round = 0; round < 4; round++) {
    for (const server of network.servers) await speak(network, server)
    await network.collect()
    await network.heal()
    const [first] = network.servers
    if (first !== undefined) await speak(network, first)
    await network.collect()
    await network.heal()
    const all = await Promise.all(
      network.servers.map(async server => ({
        name: server.name,
        head: server.entry && (await server.rooms.core.writer.head(network.roomId)),
      })),
    )
    // Soft failure parts those for good who never hear of each other again: a server whose join the others soft-failed
    // believes that it is in the room, and one that accepted what the others soft-failed may believe that it is not.
    const heads = all
      .filter(({ name, head }) => all[0]?.head?.hasHost(name) && head?.hasHost(name))
      .map(({ head }) => head)
    ends = heads.map(head => head?.extremities.map(end => end.eventId).join(' ') ?? 'unknown')
    if (new Set(ends).size === 1 && ends[0]?.includes(' ') === false) return ends.slice(0, 1)
  }
  return ends
}

const converge = async (t: ExecutionContext, version: RoomVersion, seed: number): Promise<void> => {
  const which = `version ${version.id}, TESSERA_CONVERGENCE_SEED=${seed}`
  try {
    const network = await grow(version, seed)
    await network.collect()
    await network.heal()
    const oracle = new RoomOracle(network.inOrder())
    for (const server of network.servers) await checkServer(t, server, network, oracle, which)
    const ends = await settle(network)
    t.is(ends.length, 1, `${which}: the ends are the same: ${ends.join(' | ')}`)
    const final = new RoomOracle(network.inOrder())
    for (const server of network.servers) await checkServer(t, server, network, final, `${which}, settled,`)
  } catch (error) {
    if (error instanceof Error) error.message = `${which}: ${error.message}`
    throw error
  }
}

for (const version of roomVersions.values()) {
  test.serial(`servers come to the same room of version ${version.id}`, async t => {
    t.timeout(600_000)
    const seeds =
      SEED === undefined
        ? Array.from({ length: RUNS }, (_, run) => Number(version.id) * 100_000 + run)
        : [Number(SEED)]
    for (const seed of seeds) await converge(t, version, seed)
  })
}
