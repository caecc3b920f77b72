import type { JsonObject } from '../../core/json.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { type Answer, at, type SimulatedClient } from './simulated-client.ts'
import { Fallen } from './simulated-server.ts'
import type { Simulation } from './simulation.ts'

/** Something that a client wants done. */
interface Deed {
  readonly client: SimulatedClient
  readonly method: string
  readonly path: string
  readonly json?: JsonObject
  /** Told of the answer, if it is one of success. */
  readonly done?: (answer: Answer) => void
  /** Whether it is the same when it is asked for again: clients do so when they are not answered. */
  readonly repeats?: boolean
}

/** One step in so many, how often a server ends, and so on: chances of each hundred steps. */
const CHANCES = { parting: 15, ending: 7, following: 40, telling: 20, keys: 7, reading: 10, typing: 5 }
/** For so long a server that ends may be away: mostly for a moment, now and then for long. Milliseconds. */
const AWAY_MS = [1_000, 1_000, 20_000, 20 * 60_000]

const LEVELS = [0, 0, 0, 50, 50, 99]

/**
 * What people do in a room while their servers are killed now and then, and the network between them is bad. Much of it the
 * rules do not allow; all of it follows from the seed.
 */
export class Story {
  readonly simulation: Simulation
  /** Events that their senders were told are sent, and their servers. */
  readonly acknowledged = new Map<string, string>()
  /** Event IDs by what the client called the request: one for each. */
  readonly sent = new Map<string, Set<string>>()
  /** How many messages for a device were sent, by `sender receiver`. */
  readonly told = new Map<string, number>()
  /** The keys that owners of devices know are uploaded. */
  readonly keys = new Map<string, string>()
  /** What clients will ask for again. */
  #undone: Deed[] = []
  #txn = 0
  /** A room that lets people into the other by its rules. */
  #den = ''

  constructor(simulation: Simulation) {
    this.simulation = simulation
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
    const version = simulation.version.id
    this.#den = String((await create({ preset: 'public_chat', room_version: version })).body.room_id)
    simulation.roomId = String((await create({ preset: 'public_chat', room_version: version })).body.room_id)
    for (const client of simulation.clients) await this.#uploadKeys(client)
    for (const name of simulation.names.slice(1)) {
      const [client, other] = simulation.clientsOf(name)
      if (client !== undefined && this.#random.chance(0.8)) await this.do(this.#joining(client))
      if (other !== undefined && this.#random.chance(0.3)) await this.do(this.#joining(other, this.#den))
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
    if (happens(CHANCES.following)) await this.#follow(random.pick(simulation.clients))
    if (happens(CHANCES.telling)) await this.#tell(client)
    if (happens(CHANCES.keys)) await this.#uploadKeys(client)
    if (happens(CHANCES.typing)) await this.do(this.#typing(client))
    if (happens(CHANCES.reading)) await this.do(this.#reading(client))
    const deed = await this.#deedOf(client)
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

  say(client: SimulatedClient): Promise<void> {
    return this.do(this.#saying(client))
  }

  /** Everybody looks what is new until there is nothing. */
  async lookUp(): Promise<void> {
    for (let round = 0; round < 3; round++)
      for (const client of this.simulation.clients) await this.simulation.during(client.sync())
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
      await client.queryDevices(this.#others(client))
    }
    await this.simulation.during(
      following().catch(error => {
        if (!(error instanceof Fallen)) throw error
      }),
    )
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
      path: `/sendToDevice/m.test/t${this.#txn++}`,
      json: { messages: { [receiver]: { DEVICE: { n } } } },
      repeats: true,
    })
  }

  async #uploadKeys(client: SimulatedClient): Promise<void> {
    const { userId } = client
    const key = `key${this.#txn++}`
    const keys = {
      user_id: userId,
      device_id: 'DEVICE',
      algorithms: ['m.megolm.v1.aes-sha2'],
      keys: { 'curve25519:DEVICE': key },
      signatures: {},
    }
    const done = (): void => void this.keys.set(userId, key)
    await this.do({
      client,
      method: 'POST',
      path: '/keys/upload',
      json: { device_keys: keys },
      done,
      repeats: true,
    })
  }

  #typing(client: SimulatedClient): Deed {
    const path = `/rooms/${at(this.simulation.roomId)}/typing/${at(client.userId)}`
    return { client, method: 'PUT', path, json: { typing: true, timeout: 20_000 } }
  }

  #reading(client: SimulatedClient): Deed {
    const { roomId } = this.simulation
    const eventId = client.rooms.get(roomId)?.timeline.at(-1) ?? '$none'
    return { client, method: 'POST', path: `/rooms/${at(roomId)}/receipt/m.read/${at(eventId)}`, json: {} }
  }

  /** Somebody joins through all the others. */
  #joining(client: SimulatedClient, roomId = this.simulation.roomId): Deed {
    const via = this.simulation.names.filter(name => name !== client.host)
    const query = via.map(name => `via=${name}&server_name=${name}`).join('&')
    return { client, method: 'POST', path: `/join/${at(roomId)}?${query}`, json: {} }
  }

  /** What a user tries. */
  async #deedOf(client: SimulatedClient): Promise<Deed> {
    const { simulation } = this
    const random = this.#random
    const server = simulation.server(client.host)
    const isIn = server !== undefined && (await simulation.isIn(server))
    if (!isIn || random.chance(0.05)) return this.#entering(client)
    const deeds = [
      () => this.#saying(client),
      () => this.#setting(client, 'm.room.topic', { topic: `${random.below(1_000)}` }),
      () => this.#setting(client, 'm.room.name', { name: `${random.below(1_000)}` }),
      () => this.#moving(client),
      () => this.#coming(client),
      () => this.#setting(client, 'm.room.power_levels', this.#levels()),
      () => this.#setting(client, 'm.room.join_rules', this.#joinRule()),
      () => this.#redacting(client),
      () =>
        this.#setting(client, 'm.room.history_visibility', {
          history_visibility: random.pick(['shared', 'shared', 'joined', 'invited', 'world_readable']),
        }),
    ]
    return random.pick([...deeds, ...deeds.slice(0, 6)])()
  }

  async #entering(client: SimulatedClient): Promise<Deed> {
    const random = this.#random
    if (random.chance(0.8)) return this.#joining(client)
    const { roomId, names } = this.simulation
    const leave = { client, method: 'POST', path: `/rooms/${at(roomId)}/leave`, json: {} }
    if (random.chance(0.4)) return leave
    const via = names.filter(name => name !== client.host).map(name => `via=${name}&server_name=${name}`)
    return { client, method: 'POST', path: `/knock/${at(roomId)}?${via.join('&')}`, json: {} }
  }

  /** Notes what a client was told is sent, and under which name it had asked for it. */
  #noting(client: SimulatedClient, name: string): (answer: Answer) => void {
    return ({ body }) => {
      this.acknowledged.set(body.event_id, client.host)
      const known = this.sent.get(name) ?? new Set()
      this.sent.set(name, known.add(body.event_id))
    }
  }

  #saying(client: SimulatedClient): Deed {
    const name = `t${this.#txn++}`
    return {
      client,
      method: 'PUT',
      path: `/rooms/${at(this.simulation.roomId)}/send/m.room.message/${name}`,
      json: { msgtype: 'm.text', body: name },
      done: this.#noting(client, name),
      repeats: true,
    }
  }

  #setting(client: SimulatedClient, type: string, json: JsonObject): Deed {
    return {
      client,
      method: 'PUT',
      path: `/rooms/${at(this.simulation.roomId)}/state/${type}/`,
      json,
      done: this.#noting(client, `t${this.#txn++}`),
    }
  }

  async #redacting(client: SimulatedClient): Promise<Deed> {
    const { roomId } = this.simulation
    const events = [...(await this.simulation.allEvents()).keys()]
    const name = `t${this.#txn++}`
    return {
      client,
      method: 'PUT',
      path: `/rooms/${at(roomId)}/redact/${at(this.#random.pick(events))}/${name}`,
      json: {},
      done: this.#noting(client, name),
      repeats: true,
    }
  }

  /** Everybody but the creator, who stays. */
  #target(): string {
    return this.#random.pick(this.simulation.clients.slice(1)).userId
  }

  #moving(client: SimulatedClient): Deed {
    const what = this.#random.pick(['ban', 'kick', 'kick', 'unban', 'invite', 'invite'])
    const path = `/rooms/${at(this.simulation.roomId)}/${what}`
    return { client, method: 'POST', path, json: { user_id: this.#target() } }
  }

  #coming(client: SimulatedClient): Deed {
    const isCreator = client === this.simulation.clients[0]
    if (isCreator || this.#random.chance(0.6)) return this.#joining(client)
    return { client, method: 'POST', path: `/rooms/${at(this.simulation.roomId)}/leave`, json: {} }
  }

  #levels(): JsonObject {
    const [alice, ...others] = this.simulation.clients.map(({ userId }) => userId)
    // From v12 on creators stand outside the list.
    const creator =
      this.simulation.version.auth.privilegedCreators || alice === undefined ? {} : { [alice]: 100 }
    const levels = Object.fromEntries(others.map(userId => [userId, this.#random.pick(LEVELS)]))
    return { users: { ...creator, ...levels }, users_default: 0, ban: 50, kick: 50 }
  }

  #joinRule(): JsonObject {
    const { knocking, restricted } = this.#rules()
    const rule = this.#random.pick(['public', 'public', 'invite', ...knocking, ...restricted])
    const allow = [{ type: 'm.room_membership', room_id: this.#den }]
    return { join_rule: rule, ...(rule.includes('restricted') ? { allow } : {}) }
  }

  /** The join rules that the room's version knows beyond the first two. */
  #rules(): { knocking: string[]; restricted: string[] } {
    const id = Number(this.simulation.version.id)
    return {
      knocking: id >= 7 ? ['knock'] : [],
      restricted: [...(id >= 8 ? ['restricted'] : []), ...(id >= 10 ? ['knock_restricted'] : [])],
    }
  }
}
