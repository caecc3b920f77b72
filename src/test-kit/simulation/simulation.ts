import type { RoomEvent } from '../../core/event/event.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import type { OutboundRequest, OutboundResponse } from '../../network/http-client.ts'
import { OutboundError } from '../../network/outbound-error.ts'
import type { RoomHead } from '../../services/rooms/room-head.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { FakeClock } from '../fake-clock.ts'
import { NAMES, USERS } from '../random-network.ts'
import { SeededRandom } from '../seeded-random.ts'
import { introduce } from './introduction.ts'
import { type Play, playsOf } from './plays.ts'
import { EPOCH, passing, prepared } from './prepared-server.ts'
import type { Purged } from './purge-deeds.ts'
import { quiet } from './quiescence.ts'
import { ServerClocks } from './server-clocks.ts'
import { LIMIT, SimulatedClient } from './simulated-client.ts'
import {
  databaseFile,
  Fallen,
  type Ground,
  removeDatabase,
  type SimulatedServer,
  startSimulated,
} from './simulated-server.ts'
import { unrestOf } from './unrest.ts'
import { FOUL, STORM, Weather } from './weather.ts'

/** Longer than the longest back-off. Milliseconds. */
const QUIET_MS = 8_000
/** Members that nobody could be asked for in the foul weather are asked for again after minutes; who is refused them asks for minutes. */
const MAX_ROUNDS = 300
/** How long timelines clients want that follow by `/sync`. */
const LIMITS = [LIMIT, 10, 1, LIMIT, 3]
/** Given to `abort`, which would otherwise make an error with a stack. */
const OVER = 'over'

/**
 * Whole servers with a room among them, over a network in which anything may happen to a request. Everything that takes time
 * takes it from one clock, which stands still while anything runs: the same seed is the same story.
 */
export class Simulation {
  readonly clock: FakeClock
  readonly weather: Weather
  readonly random: SeededRandom
  /** What the story has beyond what every one has. */
  readonly plays: ReadonlySet<Play>
  /** Of each account the first device. */
  readonly clients: SimulatedClient[] = []
  /** Further devices of the accounts. */
  readonly devices: SimulatedClient[] = []
  /** What servers have logged as errors. */
  readonly errors: string[] = []
  /** Everything that was asked among servers, as `from > to method path`. */
  readonly requests: string[] = []
  /** What servers have purged, by `server room`. */
  readonly purged = new Map<string, Purged>()
  /** Servers that were killed some time. */
  readonly killed = new Set<string>()
  readonly #seed: number
  readonly #running = new Map<string, SimulatedServer>()
  readonly #paths = new Map<string, string>()
  readonly #clocks: ServerClocks
  /** How many servers were started. */
  #starts = 0
  /** The room that the story is about, and its version. */
  roomId = ''
  version: RoomVersion

  constructor(version: RoomVersion, seed: number) {
    this.#seed = seed
    this.version = version
    this.random = new SeededRandom(seed)
    this.plays = playsOf(seed)
    this.clock = new FakeClock(EPOCH + seed, quiet)
    this.#clocks = new ServerClocks(this.clock)
    this.weather = new Weather(this.clock, seed)
  }

  /** Those that are up. */
  get servers(): SimulatedServer[] {
    return NAMES.flatMap(name => this.#running.get(name) ?? [])
  }

  /** All of them. */
  get names(): string[] {
    return [...this.#paths.keys()]
  }

  server(name: string): SimulatedServer | undefined {
    return this.#running.get(name)
  }

  /** All devices of all accounts. */
  get everywhere(): SimulatedClient[] {
    return [...this.clients, ...this.devices]
  }

  /** The clients of a server. */
  clientsOf(name: string): SimulatedClient[] {
    return this.clients.filter(client => client.host === name)
  }

  /** Starts from three to five servers that know each other. */
  async begin(): Promise<void> {
    const count = 3 + this.random.below(3)
    for (const [index, name] of NAMES.slice(0, count).entries()) {
      const { path, sessions } = await prepared(name, USERS[index] ?? [])
      this.#paths.set(name, await databaseFile(path))
      for (const session of sessions) {
        const options = { isLazy: this.random.chance(0.5), isSliding: this.random.chance(0.5) }
        // By the seed, but not by chance: that would make another story of it.
        const form = {
          isClassic: (this.#seed + this.clients.length) % 2 === 0,
          limit: LIMITS[(this.#seed >> 1) % LIMITS.length] ?? LIMIT,
        }
        const surroundings = { random: this.random, serverOf: (host: string) => this.#running.get(host) }
        this.clients.push(new SimulatedClient(session, { ...options, ...form, ...surroundings }))
      }
      await this.start(name)
    }
    await introduce(this)
  }

  /** From here on the network is bad. */
  worsen(): void {
    this.weather.now = this.plays.has('storm') ? STORM : FOUL
  }

  /** Starts a server that is down. */
  async start(name: string): Promise<void> {
    const random = new SeededRandom(this.#seed * 1_000 + this.#starts++)
    const ground: Ground = {
      ...{ name, random },
      clock: this.plays.has('clocks') ? this.#clocks.of(name, random) : this.clock,
      carry: (from, request) => this.#carry(from, request),
      onError: message => void this.errors.push(message),
    }
    const path = this.#paths.get(name)
    if (path === undefined) throw new RangeError(`no server ${name}`)
    this.#running.set(name, await this.during(startSimulated(ground, path)))
  }

  /** Kills a server in the middle of what it does, or stops it as a signal does. */
  async end(name: string, how: 'kill' | 'stop'): Promise<void> {
    const server = this.#running.get(name)
    if (server === undefined) return
    if (how === 'kill') {
      this.killed.add(name)
      this.#running.delete(name)
      await this.during(server.kill())
    } else {
      await this.during(server.stop())
      this.#running.delete(name)
    }
  }

  /** Removes what the servers have stored. */
  async finish(): Promise<void> {
    for (const name of [...this.#running.keys()]) await this.end(name, 'kill')
    for (const path of this.#paths.values()) removeDatabase(path)
  }

  async #carry(from: string, request: OutboundRequest): Promise<OutboundResponse> {
    const { method, timeoutMs = 30_000, signal } = request
    const to = request.target.hostHeader
    const path = decodeURIComponent(request.path.split('?')[0] ?? '')
    this.requests.push(`${this.clock.now() - EPOCH} ${from} > ${to} ${method} ${path}`)
    const answer = this.weather.carry({ from, to, method, path }, async () => {
      const server = this.#running.get(to)
      if (server === undefined) throw new OutboundError('unreachable', 'nobody is there')
      const { status, headers, bytes } = await server
        .ask({
          ...{ method, target: request.path },
          ...(request.headers === undefined ? {} : { headers: request.headers }),
          ...(request.body === undefined ? {} : { body: request.body }),
        })
        .catch(error => {
          throw error instanceof Fallen ? new OutboundError('unreachable', 'it fell silent') : error
        })
      if (status !== 200) this.requests.push(`${from} < ${to} ${status} ${bytes}`)
      return { status, headers: headers as Record<string, string>, body: bytes }
    })
    answer.catch(() => undefined)
    const over = new AbortController()
    const tooLate = this.clock
      .sleep(timeoutMs, signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]))
      .then(() => Promise.reject(new OutboundError('timeout', 'it takes too long')))
    tooLate.catch(() => undefined)
    try {
      return await Promise.race([answer, tooLate])
    } finally {
      over.abort(OVER)
    }
  }

  /** Lets time pass until something is done. */
  during<T>(work: Promise<T>): Promise<T> {
    return passing(this.clock, work)
  }

  pass(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }

  /** Whether a server has somebody in the room, as it sees it itself. */
  async isIn({ name, core }: SimulatedServer): Promise<boolean> {
    return (await this.head(core))?.hasHost(name) === true
  }

  /** What a server holds the room to be. */
  head(core: SimulatedServer['core']): Promise<RoomHead | undefined> {
    return this.during(core.writer.head(this.roomId))
  }

  /** Everything that a server has placed in the room. */
  async eventsOf({ core }: SimulatedServer): Promise<StoredEvent[]> {
    const { rooms, events } = core.context.read
    const room = await this.during(rooms.byId(this.roomId))
    if (room === undefined) return []
    const range = { roomNid: room.nid, after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 10_000 }
    return this.during(events.forwards(range))
  }

  /** The events of everybody who is up, or of some of them. */
  async allEvents(
    isAsked: (server: SimulatedServer) => boolean = () => true,
  ): Promise<Map<string, RoomEvent>> {
    const all = new Map<string, RoomEvent>()
    for (const server of this.servers.filter(isAsked)) {
      for (const { event } of await this.eventsOf(server)) all.set(event.eventId, event)
    }
    return all
  }

  /** Lets everything arrive that is under way. Throws if there is no end to it. */
  async settle(): Promise<void> {
    let unrest: string[] = []
    for (let round = 0; round < MAX_ROUNDS; round++) {
      await this.pass(round === 0 ? 500 : QUIET_MS / 4)
      unrest = this.weather.late > 0 ? ['something comes late'] : []
      for (const server of this.servers) unrest.push(...(await unrestOf(this, server)))
      if (unrest.length === 0) {
        for (const { services } of this.servers) await this.during(services.federation.idle())
        await this.pass(200)
        return
      }
    }
    throw new Error(`the servers never come to rest: ${unrest.join('; ')}`)
  }
}
