import { setTimeout } from 'node:timers/promises'
import { MatrixError } from '../core/errors.ts'
import type { RoomEvent } from '../core/event/event.ts'
import type { RoomVersion } from '../core/room-versions.ts'
import { FederationError } from '../network/federation-client.ts'
import type { Database } from '../storage/database.ts'
import { OutboxReader } from '../storage/federation/outbox-reader.ts'
import { openDatabase } from '../storage/open.ts'
import type { StoredEvent } from '../storage/rooms/events.ts'
import { type SqliteConfig, sqliteConfig } from './database.ts'
import { FakeClock } from './fake-clock.ts'
import { FederationWorld, type TestScope, type WorldServer } from './federation-world.ts'
import { ALICE, NAMES, USERS } from './random-network.ts'
import { newRoom } from './rooms.ts'
import { SeededRandom } from './seeded-random.ts'
import { FOUL, Weather } from './weather.ts'

/** Virtual time that passes for each turn of the event loop in which servers may work. */
const TICK_MS = 10
/** Longer than the longest back-off. */
const QUIET_MS = 8_000
/** Members that nobody could be asked for in the foul weather are asked for again after minutes. */
const MAX_ROUNDS = 200

/**
 * Whole servers with one room among them, over a network in which anything may happen to a request. They send, fetch and
 * join by themselves; only the people are made up.
 */
export class Simulation {
  readonly world: FederationWorld
  readonly clock: FakeClock
  readonly weather: Weather
  readonly random: SeededRandom
  readonly version: RoomVersion
  readonly #seed: number
  /** The servers' databases. */
  readonly #files = new Map<string, { readonly config: SqliteConfig; open: Database }>()
  /** How many servers were started. */
  #starts = 0
  /** Events that their senders were told are sent, and their servers. */
  readonly acknowledged = new Map<string, string>()
  roomId = ''

  constructor(t: TestScope, version: RoomVersion, seed: number) {
    this.#seed = seed
    this.version = version
    this.random = new SeededRandom(seed)
    this.clock = new FakeClock(Date.UTC(2026, 0, 1) + seed)
    this.weather = new Weather(this.clock, seed)
    this.world = new FederationWorld(t)
    this.world.transport = this.weather.transport
    this.#t = t
  }

  readonly #t: TestScope

  get servers(): WorldServer[] {
    return NAMES.flatMap(name => this.world.servers.get(name) ?? [])
  }

  /** Starts the servers, makes the room on the first, and lets most of the others in. */
  async begin(): Promise<void> {
    const count = 3 + this.random.below(3)
    for (const name of NAMES.slice(0, count)) {
      const config = await sqliteConfig(this.#t)
      this.#files.set(name, { config, open: await openDatabase(config) })
      this.#t.teardown(() => this.#files.get(name)?.open.close())
      await this.#start(name)
    }
    await this.#introduce()
    const [first] = this.servers
    if (first === undefined) throw new Error('there are no servers')
    const fields = newRoom(first.rooms, ALICE, { version: this.version, preset: 'public_chat' })
    this.roomId = await first.rooms.roomCreation.create(fields, { isDirect: false })
    for (const [index, server] of this.servers.entries()) {
      if (index > 0 && this.random.chance(0.8)) await this.join(server, USERS[index]?.[0] ?? '')
    }
    this.weather.now = FOUL
  }

  async #start(name: string): Promise<void> {
    const database = this.#files.get(name)?.open
    if (database === undefined) return
    const random = new SeededRandom(this.#seed * 1_000 + this.#starts++)
    const server = await this.world.add(name, {
      clock: this.clock,
      database,
      config: { backOff: { min: 500, max: 5_000 } },
      random: size => Uint8Array.from({ length: size }, () => random.below(256)),
    })
    server.federation.start()
  }

  /** Kills a server in the middle of what it does, and after a while starts it again on the database that it leaves. */
  async kill(server: WorldServer): Promise<void> {
    const { name } = server
    const file = this.#files.get(name)
    if (file === undefined) return
    await server.kill()
    await file.open.close()
    await this.pass(this.random.below(1_000))
    file.open = await openDatabase(file.config)
    await this.#start(name)
  }

  /**
   * Lets all servers learn each other's keys while the network is good: what a join brings of a server whose keys cannot
   * be had is left out, and such servers are of different minds for good.
   */
  async #introduce(): Promise<void> {
    for (const { client, name } of this.servers) {
      const others = this.servers.filter(other => other.name !== name)
      const asked = others.map(other =>
        client.getEvent(other.name, '$none').catch(error => {
          if (!(error instanceof FederationError)) throw error
        }),
      )
      await this.during(Promise.all(asked))
    }
  }

  /** Lets time pass until something is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const done = work.finally(() => {
      isDone = true
    })
    done.catch(() => undefined)
    while (!isDone) await this.pass(TICK_MS)
    return done
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      await this.clock.advance(TICK_MS)
      await setTimeout(1)
    }
  }

  /** What the rules refuse is no failure. */
  async attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await this.during(work())
      return true
    } catch (error) {
      if (error instanceof MatrixError) return false
      throw error
    }
  }

  join(server: WorldServer, userId: string): Promise<boolean> {
    return this.attempt(() => this.enter(server, userId))
  }

  /** Begins to join the room through the others. */
  enter(server: WorldServer, userId: string): Promise<unknown> {
    const via = this.servers.map(one => one.name).filter(name => name !== server.name)
    return server.rooms.memberships.join({ userId, roomId: this.roomId, via })
  }

  /** Whether a server has somebody in the room, as it sees it itself. */
  async isIn(server: WorldServer): Promise<boolean> {
    return (await server.core.writer.head(this.roomId))?.hasHost(server.name) === true
  }

  /** Everything that a server has placed in the room. */
  async eventsOf({ core }: WorldServer): Promise<StoredEvent[]> {
    const { rooms, events } = core.context.read
    const room = await rooms.byId(this.roomId)
    if (room === undefined) return []
    const range = { roomNid: room.nid, after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 10_000 }
    const shown = await events.forwards(range)
    return shown
  }

  /** The events of everybody. */
  async allEvents(): Promise<Map<string, RoomEvent>> {
    const all = new Map<string, RoomEvent>()
    for (const server of this.servers) {
      for (const { event } of await this.eventsOf(server)) all.set(event.eventId, event)
    }
    return all
  }

  /** Lets everything arrive that is under way. Throws if there is no end to it. */
  async settle(): Promise<void> {
    let unrest: string[] = []
    for (let round = 0; round < MAX_ROUNDS; round++) {
      await this.pass(round === 0 ? 500 : QUIET_MS / 4)
      unrest = (await Promise.all(this.servers.map(server => this.#unrest(server)))).flat()
      if (unrest.length === 0) {
        for (const server of this.servers) await this.during(server.federation.idle())
        await this.pass(200)
        return
      }
    }
    throw new Error(`the servers never come to rest: ${unrest.join('; ')}`)
  }

  /** What a server still has to do. */
  async #unrest({ name, database, core }: WorldServer): Promise<string[]> {
    const outbox = new OutboxReader(database)
    const pending = await outbox.pendingServers()
    const behind = database.position('events') - (await outbox.distributed())
    // Whom the others hold to be out of the room they give nothing.
    const isMember = (await this.servers[0]?.core.writer.head(this.roomId))?.hasHost(name)
    const isPartial = isMember && (await core.writer.head(this.roomId))?.partial !== undefined
    return [
      ...pending.map(other => `${name} sends to ${other}`),
      ...(behind > 1_000 ? [`${name} distributes ${behind} events`] : []),
      ...(isPartial ? [`${name} lacks members`] : []),
    ]
  }
}
