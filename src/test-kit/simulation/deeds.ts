import type { JsonObject } from '../../core/json.ts'
import { type RoomVersion, roomVersions } from '../../core/room-versions.ts'
import { USERS } from '../random-network.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { type Answer, at } from './dialects.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { Simulation } from './simulation.ts'

/** Something that a client wants done. */
export interface Deed {
  readonly client: SimulatedClient
  readonly method: string
  readonly path: string
  readonly json?: JsonObject
  /** Told of the answer, if it is one of success. */
  readonly done?: (answer: Answer) => void
  /** Whether it is the same when it is asked for again: clients do so when they are not answered. */
  readonly repeats?: boolean
}

const LEVELS = [0, 0, 0, 50, 50, 99]

/** What people may try. */
export class Deeds {
  readonly simulation: Simulation
  /** Events that their senders were told are sent, and their servers. */
  readonly acknowledged = new Map<string, string>()
  /** Event IDs by what the client called the request: one for each. */
  readonly sent = new Map<string, Set<string>>()
  /** Servers that somebody wanted to be shut out some time. */
  readonly denied = new Set<string>()
  /** A room that lets people into the other by its rules. */
  den = ''
  /** Who creates rooms beside the first, in versions that know of more than one. */
  readonly furtherCreators: ReadonlySet<string>
  /** What somebody wanted the room to be replaced by. */
  upgrade: RoomVersion | undefined
  #number = 0

  constructor(simulation: Simulation) {
    this.simulation = simulation
    this.furtherCreators = new Set(simulation.plays.has('creators') ? USERS[1]?.slice(0, 1) : [])
  }

  /** A number that nothing else has. */
  nextNumber(): number {
    return this.#number++
  }

  get #random(): SeededRandom {
    return this.simulation.random
  }

  /** Somebody joins through all the others. */
  joining(client: SimulatedClient, roomId = this.simulation.roomId): Deed {
    const via = this.simulation.names.filter(name => name !== client.host)
    const query = via.map(name => `via=${name}&server_name=${name}`).join('&')
    return { client, method: 'POST', path: `/join/${at(roomId)}?${query}`, json: {} }
  }

  /** What a user tries. */
  async deedOf(client: SimulatedClient): Promise<Deed> {
    const { simulation } = this
    const random = this.#random
    const server = simulation.server(client.host)
    const isIn = server !== undefined && (await simulation.isIn(server))
    if (!isIn || random.chance(0.05)) return this.#entering(client)
    const deeds = [
      () => this.saying(client),
      () => this.setting(client, 'm.room.topic', { topic: `${random.below(1_000)}` }),
      () => this.setting(client, 'm.room.name', { name: `${random.below(1_000)}` }),
      () => this.#moving(client),
      () => this.#coming(client),
      () => this.setting(client, 'm.room.power_levels', this.levels()),
      () => this.setting(client, 'm.room.join_rules', this.joinRule()),
      () => this.#redacting(client),
      () =>
        this.setting(client, 'm.room.history_visibility', {
          history_visibility: random.pick(['shared', 'shared', 'joined', 'invited', 'world_readable']),
        }),
      () => this.setting(client, 'm.room.server_acl', this.#access(client)),
      ...(client === simulation.clients[0] && this.upgrade === undefined
        ? [() => this.#replacing(client)]
        : []),
    ]
    return random.pick([...deeds, ...deeds.slice(0, 6)])()
  }

  /** Once in a story; it goes on in the new room for all who see it. */
  #replacing(client: SimulatedClient): Deed {
    this.upgrade = this.#random.pick([...roomVersions.values()])
    const path = `/rooms/${at(this.simulation.roomId)}/upgrade`
    return {
      client,
      method: 'POST',
      path,
      json: { new_version: this.upgrade.id, ...this.#creators(this.upgrade) },
    }
  }

  /** What a request for a new room says of its creators. */
  #creators(version: RoomVersion): JsonObject {
    const isSaid = version.auth.privilegedCreators && this.furtherCreators.size > 0
    return isSaid ? { additional_creators: [...this.furtherCreators] } : {}
  }

  /** What a new room is to be like. */
  newRoom(): JsonObject {
    const { version } = this.simulation
    return {
      ...{ preset: 'public_chat', room_version: version.id },
      creation_content: this.#creators(version),
    }
  }

  async #entering(client: SimulatedClient): Promise<Deed> {
    const random = this.#random
    const isCreator = client === this.simulation.clients[0]
    if (isCreator || random.chance(0.8)) return this.joining(client)
    const { roomId, names } = this.simulation
    const leave = { client, method: 'POST', path: `/rooms/${at(roomId)}/leave`, json: {} }
    if (random.chance(0.4)) return leave
    const via = names.filter(name => name !== client.host).map(name => `via=${name}&server_name=${name}`)
    return { client, method: 'POST', path: `/knock/${at(roomId)}?${via.join('&')}`, json: {} }
  }

  /** Notes what a client was told is sent, and under which name it had asked for it. */
  noting(client: SimulatedClient, name: string): (answer: Answer) => void {
    return ({ body }) => {
      this.acknowledged.set(body.event_id, client.host)
      const known = this.sent.get(name) ?? new Set()
      this.sent.set(name, known.add(body.event_id))
    }
  }

  /** A message, which is sent again until it is answered; some are for somebody's eyes above all. */
  saying(client: SimulatedClient): Deed {
    const name = `t${this.nextNumber()}`
    const mentions = this.#random.chance(0.2) ? { user_ids: [this.target()] } : {}
    return {
      client,
      method: 'PUT',
      path: `/rooms/${at(this.simulation.roomId)}/send/m.room.message/${name}`,
      json: { msgtype: 'm.text', body: name, 'm.mentions': mentions },
      done: this.noting(client, name),
      repeats: true,
    }
  }

  setting(client: SimulatedClient, type: string, json: JsonObject): Deed {
    return {
      client,
      method: 'PUT',
      path: `/rooms/${at(this.simulation.roomId)}/state/${type}/`,
      json,
      done: this.noting(client, `t${this.nextNumber()}`),
    }
  }

  async #redacting(client: SimulatedClient): Promise<Deed> {
    const { roomId } = this.simulation
    const events = [...(await this.simulation.allEvents()).keys()]
    const name = `t${this.nextNumber()}`
    return {
      client,
      method: 'PUT',
      path: `/rooms/${at(roomId)}/redact/${at(this.#random.pick(events))}/${name}`,
      json: {},
      done: this.noting(client, name),
      repeats: true,
    }
  }

  /** Everybody but the creator, who stays. */
  target(): string {
    return this.#random.pick(this.simulation.clients.slice(1)).userId
  }

  #moving(client: SimulatedClient): Deed {
    const what = this.#random.pick(['ban', 'kick', 'kick', 'unban', 'invite', 'invite'])
    const path = `/rooms/${at(this.simulation.roomId)}/${what}`
    return { client, method: 'POST', path, json: { user_id: this.target() } }
  }

  #coming(client: SimulatedClient): Deed {
    const isCreator = client === this.simulation.clients[0]
    if (isCreator || this.#random.chance(0.6)) return this.joining(client)
    return { client, method: 'POST', path: `/rooms/${at(this.simulation.roomId)}/leave`, json: {} }
  }

  levels(): JsonObject {
    const [alice, ...others] = this.simulation.clients.map(({ userId }) => userId)
    // From v12 on creators stand outside the list.
    const { privilegedCreators } = this.simulation.version.auth
    const creator = privilegedCreators || alice === undefined ? {} : { [alice]: 100 }
    const listed = others.filter(userId => !(privilegedCreators && this.furtherCreators.has(userId)))
    const levels = Object.fromEntries(listed.map(userId => [userId, this.#random.pick(LEVELS)]))
    return { users: { ...creator, ...levels }, users_default: 0, ban: 50, kick: 50 }
  }

  /** Lets all servers in, or all but one: neither the first, which has the last word, nor that of whoever says so. */
  #access({ host }: SimulatedClient): JsonObject {
    const others = this.simulation.names.slice(1).filter(name => name !== host)
    const deny = this.#random.chance(0.5) ? [this.#random.pick(others)] : []
    for (const name of deny) this.denied.add(name)
    return { allow: ['*'], deny, allow_ip_literals: false }
  }

  joinRule(): JsonObject {
    const { knocking, restricted } = this.#rules()
    const rule = this.#random.pick(['public', 'public', 'invite', ...knocking, ...restricted])
    const allow = [{ type: 'm.room_membership', room_id: this.den }]
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
