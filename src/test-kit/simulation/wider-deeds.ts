import type { JsonObject } from '../../core/json.ts'
import { signingKeyFromSeed, signJson } from '../../core/signing.ts'
import type { SeededRandom } from '../seeded-random.ts'
import type { Deed, Deeds } from './deeds.ts'
import { at } from './dialects.ts'
import type { Play } from './plays.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { Simulation } from './simulation.ts'

/** That of an identity server on which addresses are bound. */
const IDENTITY_KEY = signingKeyFromSeed('ed25519:0', new Uint8Array(32).fill(7))
const STATE_TYPES = ['m.room.topic', 'm.room.name', 'm.room.join_rules', 'm.room.member', 'm.reaction']
/** For so long messages and invitations wait, or count: from moments to longer than anybody is away. Milliseconds. */
const SPANS = [1_000, 20_000, 600_000, 4_000_000]

/** What people try in the rooms beyond the ordinary: each kind of it belongs to a play. */
export class WiderDeeds {
  readonly simulation: Simulation
  readonly #deeds: Deeds

  constructor(simulation: Simulation, deeds: Deeds) {
    this.simulation = simulation
    this.#deeds = deeds
  }

  get #random(): SeededRandom {
    return this.simulation.random
  }

  /** Of each play what there is to do, and of each hundred steps in how many. */
  readonly plays: readonly (readonly [
    play: Play,
    percent: number,
    deed: (client: SimulatedClient) => Deed,
  ])[] = [
    ['answering', 40, client => this.#answering(client)],
    ['wandering', 20, client => this.#wandering(client)],
    ['wandering', 20, client => this.#knocking(client)],
    ['addresses', 15, client => this.#offering(client)],
    ['addresses', 15, client => this.#accepting(client)],
    ['terms', 15, client => this.#invitingOnTerms(client)],
    ['terms', 15, client => this.#sayingLater(client)],
    ['powers', 15, client => this.#empowering(client)],
    ['powers', 15, client => this.#redactingState(client)],
  ]

  #room(path: string, roomId = this.simulation.roomId): string {
    return `/rooms/${at(roomId)}${path}`
  }

  /** A reaction, an edit, or an answer in a thread, to what they were shown lately. */
  #answering(client: SimulatedClient): Deed {
    const random = this.#random
    const shown = client.belief.rooms.get(this.simulation.roomId)?.timeline.slice(-10) ?? []
    const eventId = shown.length === 0 ? '$none' : random.pick(shown)
    const name = `t${this.#deeds.nextNumber()}`
    const [type, json] = random.pick<readonly [string, JsonObject]>([
      ['m.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: eventId, key: 'x' } }],
      [
        'm.room.message',
        {
          ...{ msgtype: 'm.text', body: `* ${name}`, 'm.new_content': { msgtype: 'm.text', body: name } },
          'm.relates_to': { rel_type: 'm.replace', event_id: eventId },
        },
      ],
      [
        'm.room.message',
        {
          ...{ msgtype: 'm.text', body: name, 'm.mentions': {} },
          'm.relates_to': { rel_type: 'm.thread', event_id: eventId },
        },
      ],
    ])
    const path = this.#room(`/send/${type}/${name}`)
    return {
      client,
      method: 'PUT',
      path,
      json,
      done: this.#deeds.noting(client, name),
      repeats: true,
    }
  }

  /** In the room that lets into the other somebody comes, goes, is put out or asked in; or they forget a room. */
  #wandering(client: SimulatedClient): Deed {
    const random = this.#random
    const { den } = this.#deeds
    const what = random.pick(['join', 'join', 'leave', 'ban', 'kick', 'unban', 'invite', 'say', 'forget'])
    if (what === 'join') return this.#deeds.joining(client, den)
    if (what === 'say') {
      const path = this.#room(`/send/m.room.message/d${this.#deeds.nextNumber()}`, den)
      return { client, method: 'PUT', path, json: { msgtype: 'm.text', body: 'here' }, repeats: true }
    }
    if (what === 'forget')
      return {
        client,
        method: 'POST',
        path: this.#room('/forget', random.pick([den, this.simulation.roomId])),
        json: {},
      }
    const json = what === 'leave' ? {} : { user_id: this.#deeds.target() }
    if (what === 'leave' && client === this.simulation.clients[0]) return this.#deeds.joining(client, den)
    return { client, method: 'POST', path: this.#room(`/${what}`, den), json }
  }

  /** They ask to be let in, through their own server too, or withdraw that. */
  #knocking(client: SimulatedClient): Deed {
    const { roomId, names, clients } = this.simulation
    if (client === clients[0]) return this.#settingRule(client)
    if (this.#random.chance(0.3)) return { client, method: 'POST', path: this.#room('/leave'), json: {} }
    const via = names.filter(name => name !== client.host).map(name => `via=${name}&server_name=${name}`)
    return { client, method: 'POST', path: `/knock/${at(roomId)}?${via.join('&')}`, json: {} }
  }

  #settingRule(client: SimulatedClient): Deed {
    return this.#deeds.setting(client, 'm.room.join_rules', this.#deeds.joinRule())
  }

  /** The room holds a place for whoever has an address. */
  #offering(client: SimulatedClient): Deed {
    const { publicKey } = IDENTITY_KEY
    const content = {
      display_name: 'somebody',
      public_key: publicKey,
      public_keys: [{ public_key: publicKey }],
    }
    const path = this.#room(`/state/m.room.third_party_invite/token${this.#random.below(3)}`)
    return { client, method: 'PUT', path, json: this.#random.chance(0.8) ? content : {} }
  }

  /** Somebody shows that the address is theirs. */
  #accepting(client: SimulatedClient): Deed {
    const sender = this.#random.pick(this.simulation.clients).userId
    const token = `token${this.#random.below(3)}`
    const signed = signJson({ mxid: client.userId, sender, token }, 'id.test', IDENTITY_KEY)
    return { ...this.#deeds.joining(client), json: { third_party_signed: signed } }
  }

  /** An invitation that comes later, that ends some time, or both. */
  #invitingOnTerms(client: SimulatedClient): Deed {
    const random = this.#random
    const terms = {
      ...(random.chance(0.5) ? { delay_ms: random.pick(SPANS) } : {}),
      ...(random.chance(0.7) ? { ttl_ms: random.pick(SPANS) } : {}),
    }
    const json = { user_id: this.#deeds.target(), 'chat.tessera.invitation': terms }
    return { client, method: 'POST', path: this.#room('/invite'), json }
  }

  #sayingLater(client: SimulatedClient): Deed {
    const delay = this.#random.pick(SPANS)
    const name = `t${this.#deeds.nextNumber()}`
    const path = this.#room(`/send/m.room.message/${name}?org.matrix.msc4140.delay=${delay}`)
    return { client, method: 'PUT', path, json: { msgtype: 'm.text', body: name } }
  }

  /** Power levels of every kind, and of people as well; the creator keeps theirs. */
  #empowering(client: SimulatedClient): Deed {
    const random = this.#random
    const level = (): number => random.pick([0, 0, 50, 50, 100])
    const types = Object.fromEntries(
      STATE_TYPES.filter(() => random.chance(0.3)).map(type => [type, level()]),
    )
    const names = ['invite', 'kick', 'ban', 'redact', 'events_default', 'state_default', 'users_default']
    const others = Object.fromEntries(names.filter(() => random.chance(0.3)).map(name => [name, level()]))
    const json = { ...this.#deeds.levels(), ...others, events: types }
    return this.#deeds.setting(client, 'm.room.power_levels', json)
  }

  /** What is set now is redacted. */
  #redactingState(client: SimulatedClient): Deed {
    const state = [...(client.belief.rooms.get(this.simulation.roomId)?.state.values() ?? [])]
    const name = `t${this.#deeds.nextNumber()}`
    const eventId = state.length === 0 ? '$none' : this.#random.pick(state)
    const path = this.#room(`/redact/${at(eventId)}/${name}`)
    return { client, method: 'PUT', path, json: {}, done: this.#deeds.noting(client, name), repeats: true }
  }
}
