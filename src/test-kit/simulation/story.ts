import type { JsonObject } from '../../core/json.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { type Deed, Deeds } from './deeds.ts'
import { DeviceDeeds } from './device-deeds.ts'
import type { Answer } from './dialects.ts'
import { DirectDeeds } from './direct-deeds.ts'
import { KeyDeeds } from './key-deeds.ts'
import { LookingDeeds } from './looking-deeds.ts'
import { OwnDeeds } from './own-deeds.ts'
import { PurgeDeeds } from './purge-deeds.ts'
import type { SimulatedClient } from './simulated-client.ts'
import { Fallen } from './simulated-server.ts'
import type { Simulation } from './simulation.ts'
import { WiderDeeds } from './wider-deeds.ts'

/** One step in so many, how often a server ends, and so on: chances of each hundred steps. */
const CHANCES = { parting: 15, ending: 7, following: 40, telling: 20 }
/** For so long a server that ends may be away: mostly for a moment, now and then for long. Milliseconds. */
const AWAY_MS = [1_000, 1_000, 20_000, 20 * 60_000]

/**
 * What people do in a room while their servers are killed now and then, and the network between them is bad. Much of it the
 * rules do not allow; all of it follows from the seed.
 */
export class Story {
  readonly simulation: Simulation
  readonly deeds: Deeds
  readonly own: OwnDeeds
  readonly keys: KeyDeeds
  readonly devices: DeviceDeeds
  readonly direct: DirectDeeds
  readonly purges: PurgeDeeds
  readonly #looking: LookingDeeds
  readonly #wider: WiderDeeds
  /** How many messages for a device were sent, by `sender receiver`. */
  readonly told = new Map<string, number>()
  /** What clients will ask for again. */
  #undone: Deed[] = []
  constructor(simulation: Simulation) {
    this.simulation = simulation
    this.deeds = new Deeds(simulation)
    this.own = new OwnDeeds(simulation, () => this.deeds.nextNumber())
    this.keys = new KeyDeeds(simulation)
    this.devices = new DeviceDeeds(simulation, this.deeds)
    this.direct = new DirectDeeds(simulation)
    this.purges = new PurgeDeeds(simulation)
    this.#looking = new LookingDeeds(simulation)
    this.#wider = new WiderDeeds(simulation, this.deeds)
  }

  get #random(): SeededRandom {
    return this.simulation.random
  }

  /** Alice makes the room, and most others come in before the weather turns. */
  async begin(): Promise<void> {
    const { simulation } = this
    await simulation.begin()
    const [alice] = simulation.clients
    if (alice === undefined) throw new Error('there is nobody')
    const create = (json: JsonObject) =>
      this.#insist({ client: alice, method: 'POST', path: '/createRoom', json })
    this.deeds.den = String((await create(this.deeds.newRoom())).body.room_id)
    simulation.roomId = String((await create(this.deeds.newRoom())).body.room_id)
    for (const client of simulation.clients) await this.do(this.own.uploadingKeys(client))
    for (const name of simulation.names.slice(1)) {
      const [client, other] = simulation.clientsOf(name)
      if (client !== undefined && this.#random.chance(0.8)) await this.do(this.deeds.joining(client))
      if (other !== undefined && this.#random.chance(0.3))
        await this.do(this.deeds.joining(other, this.deeds.den))
    }
    simulation.worsen()
  }

  /** One thing that happens. */
  async step(): Promise<void> {
    const { simulation } = this
    const random = this.#random
    const happens = (percent: number): boolean => random.below(100) < percent
    if (happens(CHANCES.parting))
      simulation.weather.part(new Map(simulation.names.map(name => [name, random.below(2)])))
    const client = random.pick(simulation.clients)
    const server = simulation.server(client.host)
    if (server === undefined) return
    if (happens(CHANCES.following)) await this.#follow(random.pick(simulation.everywhere))
    if (happens(CHANCES.telling)) await this.#tell(client)
    for (const [percent, deed] of this.own.aside) if (happens(percent)) await this.do(deed(client))
    if (simulation.plays.has('keys') && happens(20)) await this.do(this.keys.deed(this.#oneOf(client)))
    if (simulation.plays.has('looking') && happens(60)) await this.do(this.#looking.looking(client))
    for (const [play, percent, deed] of this.#wider.plays)
      if (simulation.plays.has(play) && happens(percent)) await this.do(deed(client))
    if (simulation.plays.has('devices') && happens(50)) await this.#useDevices(client)
    if (simulation.plays.has('direct') && happens(30)) await this.do(this.direct.deed(client))
    if (simulation.plays.has('purging') && happens(20)) await this.purges.purge()
    const isOfDevice = simulation.plays.has('devices') && happens(40)
    const deed = isOfDevice ? this.devices.deed(client) : await this.deeds.deedOf(client)
    if (!happens(CHANCES.ending)) {
      await this.do(deed)
      await simulation.pass(random.below(300))
      return
    }
    const doing = this.#attempt(deed)
    await simulation.pass(random.below(200))
    await simulation.end(client.host, random.chance(0.7) ? 'kill' : 'stop')
    await simulation.pass(random.below(random.pick(AWAY_MS)))
    await simulation.start(client.host)
    await simulation.during(doing)
  }

  /** Does something as far as it can be done now. */
  async do(deed: Deed): Promise<void> {
    await this.simulation.during(this.#attempt(deed))
  }

  /** Does all that clients have not been answered. */
  async makeUp(): Promise<void> {
    for (const deed of this.#undone.splice(0)) await this.#insist(deed)
  }

  /** Somebody says something. */
  say(client: SimulatedClient): Promise<void> {
    return this.do(this.deeds.saying(client))
  }

  /** Everybody who knows that the room is replaced goes where it goes on. */
  async gather(): Promise<void> {
    for (const client of this.simulation.clients) {
      await this.simulation.during(client.sync())
      await this.simulation.during(this.#moveOn(client))
    }
  }

  /** Everybody looks what is new until there is nothing. */
  async lookUp(): Promise<void> {
    for (let round = 0; round < 3; round++)
      for (const client of this.simulation.everywhere) await this.simulation.during(client.sync())
  }

  /** One of somebody's devices. */
  #oneOf(client: SimulatedClient): SimulatedClient {
    const further = this.simulation.devices.filter(({ userId }) => userId === client.userId)
    return further.length === 0 ? client : this.#random.pick([client, ...further])
  }

  /** Somebody takes one more device, or does something with those they have. */
  async #useDevices(client: SimulatedClient): Promise<void> {
    const device = this.#random.chance(0.3) ? await this.devices.come(client) : undefined
    await this.do(device === undefined ? this.devices.deed(client) : this.devices.uploadingKeys(device))
  }

  async #attempt(deed: Deed): Promise<void> {
    const { client, method, path, json, done, repeats } = deed
    try {
      const answer = await client.call(method, path, json)
      if (answer.status < 300) done?.(answer)
    } catch (error) {
      if (!(error instanceof Fallen)) throw error
      if (repeats) this.#undone.push(deed)
    }
  }

  async #insist({ client, method, path, json, done }: Deed): Promise<Answer> {
    const answer = await this.simulation.during(client.call(method, path, json))
    if (answer.status < 300) done?.(answer)
    return answer
  }

  async #follow(client: SimulatedClient): Promise<void> {
    const random = this.#random
    const following = async () => {
      await client.sync({ lost: random.chance(0.1) })
      await this.#moveOn(client)
      await client.queryDevices(this.#others(client))
    }
    await this.simulation.during(
      following().catch(error => {
        if (!(error instanceof Fallen)) throw error
      }),
    )
  }

  /** Whoever sees that a room is replaced goes where it goes on; what is told from then on is told of that room. */
  async #moveOn(client: SimulatedClient): Promise<void> {
    const { simulation, deeds } = this
    const { rooms } = client.belief
    for (const [roomId, { successor }] of rooms) {
      if (successor === undefined || rooms.has(successor)) continue
      if (roomId === simulation.roomId) {
        simulation.roomId = successor
        simulation.version = deeds.upgrade ?? simulation.version
      }
      await this.#attempt(deeds.joining(client, successor))
    }
  }

  #others(client: SimulatedClient): string[] {
    return this.simulation.clients.map(other => other.userId).filter(userId => userId !== client.userId)
  }

  /** A message for somebody's device. */
  async #tell(client: SimulatedClient): Promise<void> {
    const receiver = this.#random.pick(this.#others(client))
    const way = `${client.userId} ${receiver}`
    const n = this.told.get(way) ?? 0
    this.told.set(way, n + 1)
    await this.do({
      client,
      method: 'PUT',
      path: `/sendToDevice/m.test/t${this.deeds.nextNumber()}`,
      json: { messages: { [receiver]: { DEVICE: { n } } } },
      repeats: true,
    })
  }
}
