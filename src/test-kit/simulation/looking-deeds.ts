import type { SeededRandom } from '../seeded-random.ts'
import type { Deed } from './deeds.ts'
import { at } from './dialects.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { Simulation } from './simulation.ts'

/** What people look at besides what is new: much of it their server has to fetch from others, as well as that goes. */
export class LookingDeeds {
  readonly simulation: Simulation
  /** Where somebody has come in paging back, by user and room. */
  readonly #ends = new Map<string, string>()

  constructor(simulation: Simulation) {
    this.simulation = simulation
  }

  get #random(): SeededRandom {
    return this.simulation.random
  }

  /** One of all that. */
  looking(client: SimulatedClient): Deed {
    const { roomId } = this.simulation
    const random = this.#random
    const room = `/rooms/${at(roomId)}`
    const shown = client.belief.rooms.get(roomId)?.timeline.slice(-20) ?? []
    const eventId = at(shown.length === 0 ? '$none' : random.pick(shown))
    const ask = (path: string): Deed => ({ client, method: 'GET', path: room + path })
    return random.pick([
      () => this.#paging(client, 'b'),
      () => this.#paging(client, 'b'),
      () => this.#paging(client, 'b'),
      () => this.#paging(client, 'f'),
      () => ask(`/context/${eventId}?limit=${random.pick([0, 3, 20])}`),
      () => ask(`/event/${eventId}`),
      () => ask('/members'),
      () => ask('/joined_members'),
      () => ask(`/timestamp_to_event?dir=b&ts=${this.simulation.clock.now()}`),
    ])()
  }

  #paging(client: SimulatedClient, dir: 'b' | 'f'): Deed {
    const { roomId } = this.simulation
    const place = `${client.userId} ${roomId}`
    const known = this.#ends.get(place)
    const from = known === undefined || this.#random.chance(0.3) ? '' : `&from=${at(known)}`
    const query = `dir=${dir}&limit=${this.#random.pick([1, 4, 30])}${from}`
    const done: Deed['done'] = ({ body }) => {
      if (body.end === undefined) this.#ends.delete(place)
      else this.#ends.set(place, body.end)
    }
    return { client, method: 'GET', path: `/rooms/${at(roomId)}/messages?${query}`, done }
  }
}
