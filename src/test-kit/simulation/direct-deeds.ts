import type { SeededRandom } from '../seeded-random.ts'
import type { Deed } from './deeds.ts'
import { at } from './dialects.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { Simulation } from './simulation.ts'

/** Chats of two: whoever of them opens theirs comes to the same room, also when both do at once. */
export class DirectDeeds {
  readonly simulation: Simulation
  /** Those who have wanted to talk with each other. */
  readonly pairs = new Map<string, readonly [SimulatedClient, SimulatedClient]>()
  /** Where they were brought, by `user other`. */
  readonly #rooms = new Map<string, string>()

  constructor(simulation: Simulation) {
    this.simulation = simulation
  }

  get #random(): SeededRandom {
    return this.simulation.random
  }

  /** One of a pair opens their chat, says something in it, or leaves it. */
  deed(client: SimulatedClient): Deed {
    const { clients } = this.simulation
    // Few pairs, so that they meet: each of two servers that stand side by side.
    const index = clients.indexOf(client)
    const other = clients[(index + (index % 2 === 0 ? 3 : clients.length - 3)) % clients.length]
    if (other === undefined) throw new Error('there is nobody')
    const roomId = this.#rooms.get(`${client.userId} ${other.userId}`)
    if (roomId === undefined || this.#random.chance(0.6)) return this.opening(client, other)
    if (this.#random.chance(0.3))
      return { client, method: 'POST', path: `/rooms/${at(roomId)}/leave`, json: {} }
    const path = `/rooms/${at(roomId)}/send/m.room.message/c${this.#random.below(1_000_000)}`
    return { client, method: 'PUT', path, json: { msgtype: 'm.text', body: 'between us' } }
  }

  opening(client: SimulatedClient, other: SimulatedClient): Deed {
    const pair = [client, other].toSorted((a, b) => (a.userId < b.userId ? -1 : 1)) as [
      SimulatedClient,
      SimulatedClient,
    ]
    this.pairs.set(pair.map(({ userId }) => userId).join(' '), pair)
    const done: Deed['done'] = ({ body }) =>
      void this.#rooms.set(`${client.userId} ${other.userId}`, body.room_id)
    const path = `/_matrix/client/v1/chat.tessera/direct/${at(other.userId)}`
    return { client, method: 'PUT', path, json: {}, done, repeats: true }
  }
}
