import type { SeededRandom } from '../seeded-random.ts'
import type { Body } from './belief.ts'
import type { Deed, Deeds } from './deeds.ts'
import { SimulatedClient } from './simulated-client.ts'
import type { Simulation } from './simulation.ts'

/** So many devices people have at most beyond their first. */
const MAX_FURTHER = 2

/** A message for devices. */
export interface Mark {
  readonly sender: string
  readonly receiver: string
  /** Those that have to get it, if they are there to the end. */
  readonly devices: ReadonlySet<string>
  /** Whether it is for all devices that there are. */
  readonly isForAll: boolean
  /** When it was first asked for, and when it was known to be sent, in numbers that grow. */
  readonly asked: number
  sent: number | undefined
}

/** Further devices of people: they come, upload keys, write to each other, and go. */
export class DeviceDeeds {
  readonly simulation: Simulation
  /** What was written to devices, by what is in it. */
  readonly marks: Mark[] = []
  /** The keys that owners of further devices know are uploaded, by `user device`. */
  readonly keys = new Map<string, string>()
  readonly #deeds: Deeds
  #time = 0

  constructor(simulation: Simulation, deeds: Deeds) {
    this.simulation = simulation
    this.#deeds = deeds
  }

  get #random(): SeededRandom {
    return this.simulation.random
  }

  #devicesOf(userId: string): SimulatedClient[] {
    return this.simulation.devices.filter(device => device.userId === userId)
  }

  /** Somebody signs in on one more device, which follows in the other of the two ways; `undefined` if they have enough. */
  async come(client: SimulatedClient): Promise<SimulatedClient | undefined> {
    const { userId, host, options } = client
    const server = this.simulation.server(host)
    if (server === undefined || this.#devicesOf(userId).length >= MAX_FURTHER) return undefined
    const deviceId = `D${this.#deeds.nextNumber()}`
    const user = { type: 'm.id.user', user: userId }
    const request = { type: 'm.login.application_service', identifier: user, device_id: deviceId }
    const { access_token: token } = await this.simulation.during(
      server.services.accounts.ofServices.login(request, () => {}),
    )
    const session = { userId, deviceId, token }
    const device = new SimulatedClient(session, { ...options, isSliding: !options.isSliding })
    this.simulation.devices.push(device)
    return device
  }

  /** What is done with devices. */
  deed(client: SimulatedClient): Deed {
    const device = this.#random.pick([client, ...this.#devicesOf(client.userId)])
    const deeds = [
      () => this.#writing(device),
      () => this.#writing(device),
      () => this.#deeds.saying(device),
      ...(device === client ? [] : [() => this.uploadingKeys(device), () => this.#leaving(device)]),
    ]
    return this.#random.pick(deeds)()
  }

  uploadingKeys(client: SimulatedClient): Deed {
    const { userId, deviceId } = client.session
    const key = `key${this.#deeds.nextNumber()}`
    const keys = {
      ...{ user_id: userId, device_id: deviceId, algorithms: ['m.megolm.v1.aes-sha2'], signatures: {} },
      keys: { [`curve25519:${deviceId}`]: key },
    }
    const done = (): void => void this.keys.set(`${userId} ${deviceId}`, key)
    const json = { device_keys: keys }
    return { client, method: 'POST', path: '/keys/upload', json, done, repeats: true }
  }

  /** From here on the device is not used any more; it is signed out when its server says so, or knows it no longer. */
  #leaving(device: SimulatedClient): Deed {
    this.simulation.devices.splice(this.simulation.devices.indexOf(device), 1)
    return { client: device, method: 'POST', path: '/logout', json: {}, repeats: true }
  }

  /** A message for a device of somebody, or for all of theirs. */
  #writing(client: SimulatedClient): Deed {
    const random = this.#random
    const { userId: receiver } = random.pick(this.simulation.clients)
    const all = ['DEVICE', ...this.#devicesOf(receiver).map(({ session }) => session.deviceId)]
    const isForAll = random.chance(0.5)
    const devices = new Set(isForAll ? all : [random.pick(all)])
    // Whoever writes to all of their own devices leaves out the one with which they do.
    const isOwn = receiver === client.userId
    const mark: Mark = {
      ...{ sender: client.userId, receiver, isForAll, asked: this.#time++, sent: undefined },
      devices: isOwn && isForAll ? new Set(all.filter(id => id !== client.session.deviceId)) : devices,
    }
    const number = this.marks.push(mark) - 1
    const to = isForAll ? '*' : [...devices].join('')
    return {
      ...{ client, method: 'PUT', path: `/sendToDevice/m.test/m${number}`, repeats: true },
      json: { messages: { [receiver]: { [to]: { mark: number } } } },
      done: () => {
        mark.sent = this.#time++
      },
    }
  }

  /** What a device should have been told, and was not, or was and should not have been; in words. */
  wrongWith({ session: { userId, deviceId }, belief }: SimulatedClient): string[] {
    const wrong: string[] = []
    const places = new Map(belief.marks.map((number, place) => [number, place]))
    if (places.size < belief.marks.length) wrong.push(`some came twice: ${belief.marks}`)
    for (const [number, { receiver, devices, isForAll, sent, sender }] of this.marks.entries()) {
      const isFor = receiver === userId && devices.has(deviceId)
      const place = places.get(number)
      if (isFor && sent !== undefined && place === undefined) wrong.push(`${number} never came`)
      if (!isFor && place !== undefined && !(isForAll && receiver === userId))
        wrong.push(`${number} is not for it`)
      const later = this.marks.flatMap((mark, other) =>
        mark.sender === sender && sent !== undefined && mark.asked > sent ? (places.get(other) ?? []) : [],
      )
      if (place !== undefined && later.some(other => other < place)) wrong.push(`${number} came too late`)
    }
    return wrong
  }

  /** The devices that somebody has, as they are to be known to others, with their keys. */
  known(userId: string): Body {
    const further = this.#devicesOf(userId).flatMap(({ session: { deviceId } }) => {
      const key = this.keys.get(`${userId} ${deviceId}`)
      return key === undefined ? [] : [[deviceId, key]]
    })
    return Object.fromEntries(further)
  }
}
