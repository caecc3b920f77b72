import type { JsonObject } from '../../core/json.ts'
import type { SeededRandom } from '../seeded-random.ts'
import type { Deed } from './deeds.ts'
import { at } from './dialects.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { Simulation } from './simulation.ts'

/** What people do for themselves, which takes nobody's leave. */
export class OwnDeeds {
  readonly simulation: Simulation
  /** The keys that owners of devices know are uploaded, by user. */
  readonly keys = new Map<string, string>()
  /** What they call themselves, by user. */
  readonly names = new Map<string, string>()
  /** Account data as they know it is stored, as JSON by `userId roomId type`. */
  readonly settings = new Map<string, string>()
  readonly #nextNumber: () => number

  constructor(simulation: Simulation, nextNumber: () => number) {
    this.simulation = simulation
    this.#nextNumber = nextNumber
  }

  get #random(): SeededRandom {
    return this.simulation.random
  }

  /** What somebody may do beside what they do in the room, and of each hundred steps in how many. */
  readonly aside: readonly (readonly [percent: number, (client: SimulatedClient) => Deed])[] = [
    [7, client => this.uploadingKeys(client)],
    [5, client => this.#typing(client)],
    [10, client => this.#reading(client)],
    [5, client => this.#lookingAtInbox(client)],
    [5, client => this.#naming(client)],
    [5, client => this.#setting(client)],
    [5, client => this.#tagging(client)],
    [5, client => this.#showing(client)],
  ]

  uploadingKeys(client: SimulatedClient): Deed {
    const { userId } = client
    const key = `key${this.#nextNumber()}`
    const keys = {
      user_id: userId,
      device_id: 'DEVICE',
      algorithms: ['m.megolm.v1.aes-sha2'],
      keys: { 'curve25519:DEVICE': key },
      signatures: {},
    }
    const done = (): void => void this.keys.set(userId, key)
    return {
      ...{ client, method: 'POST', path: '/keys/upload', json: { device_keys: keys } },
      ...{ done, repeats: true },
    }
  }

  #typing(client: SimulatedClient): Deed {
    const path = `/rooms/${at(this.simulation.roomId)}/typing/${at(client.userId)}`
    return { client, method: 'PUT', path, json: { typing: true, timeout: 20_000 } }
  }

  /** They have read the last that they were shown. */
  #reading(client: SimulatedClient): Deed {
    const { roomId } = this.simulation
    const eventId = client.belief.rooms.get(roomId)?.timeline.at(-1) ?? '$none'
    return { client, method: 'POST', path: `/rooms/${at(roomId)}/receipt/m.read/${at(eventId)}`, json: {} }
  }

  /** They look what waits for them: from then on their messages are kept in their inbox. */
  #lookingAtInbox(client: SimulatedClient): Deed {
    return { client, method: 'GET', path: '/_matrix/client/v1/chat.tessera/notifications' }
  }

  #naming(client: SimulatedClient): Deed {
    const { userId } = client
    const name = `name${this.#nextNumber()}`
    const done = (): void => void this.names.set(userId, name)
    const path = `/profile/${at(userId)}/displayname`
    return { client, method: 'PUT', path, json: { displayname: name }, done, repeats: true }
  }

  #setting(client: SimulatedClient): Deed {
    const json = { n: this.#nextNumber() }
    const path = `/user/${at(client.userId)}/account_data/test.setting`
    return this.#keeping({ client, method: 'PUT', path, json }, ` test.setting`, json)
  }

  #tagging(client: SimulatedClient): Deed {
    const { roomId } = this.simulation
    const order = this.#random.fraction()
    const path = `/user/${at(client.userId)}/rooms/${at(roomId)}/tags/m.favourite`
    const content = { tags: { 'm.favourite': { order } } }
    return this.#keeping({ client, method: 'PUT', path, json: { order } }, `${roomId} m.tag`, content)
  }

  #keeping(deed: Deed, place: string, content: JsonObject): Deed {
    const done = (): void => void this.settings.set(`${deed.client.userId} ${place}`, JSON.stringify(content))
    return { ...deed, done, repeats: true }
  }

  /** They show whether they are there. */
  #showing(client: SimulatedClient): Deed {
    const presence = this.#random.pick(['online', 'unavailable', 'offline'])
    const json = { presence, status_msg: `status${this.#nextNumber()}` }
    return { client, method: 'PUT', path: `/presence/${at(client.userId)}/status`, json }
  }
}
