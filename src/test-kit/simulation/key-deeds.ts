import type { SeededRandom } from '../seeded-random.ts'
import type { Deed } from './deeds.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { Simulation } from './simulation.ts'

const ALGORITHM = 'signed_curve25519'

/** Keys for single use: whoever wants to begin a conversation with a device takes one. */
export class KeyDeeds {
  readonly simulation: Simulation
  /** Keys that were given to more than one, as `user key`. */
  readonly twice: string[] = []
  readonly #given = new Set<string>()
  #number = 0

  constructor(simulation: Simulation) {
    this.simulation = simulation
  }

  get #random(): SeededRandom {
    return this.simulation.random
  }

  /** Somebody leaves some keys at their server, or takes one of somebody else. */
  deed(client: SimulatedClient): Deed {
    return this.#random.chance(0.4) ? this.#uploading(client) : this.#claiming(client)
  }

  #uploading(client: SimulatedClient): Deed {
    const { userId, deviceId } = client.session
    const keys = [1, 2].map(() => {
      const id = this.#number++
      const signatures = { [userId]: { [`ed25519:${deviceId}`]: 'signature' } }
      return [`${ALGORITHM}:${id}`, { key: `key${id}`, signatures }]
    })
    const json = { one_time_keys: Object.fromEntries(keys) }
    return { client, method: 'POST', path: '/keys/upload', json, repeats: true }
  }

  #claiming(client: SimulatedClient): Deed {
    const { userId, deviceId } = this.#random.pick(this.simulation.everywhere).session
    const json = { one_time_keys: { [userId]: { [deviceId]: ALGORITHM } } }
    const done: Deed['done'] = ({ body }) => {
      for (const id of Object.keys(body.one_time_keys?.[userId]?.[deviceId] ?? {})) {
        const key = `${userId} ${deviceId} ${id}`
        if (this.#given.has(key)) this.twice.push(key)
        this.#given.add(key)
      }
    }
    return { client, method: 'POST', path: '/keys/claim', json, done }
  }
}
