import type { KeepEdus } from '../../kept-edus.ts'
import type { EncryptionContext } from '../context.ts'
import type { DeviceListEdus } from './device-list-edus.ts'
import { EduFollower, type EduStep } from './edu-follower.ts'

/** Changes that are worked on at once. */
const BATCH = 100

/** Tells other servers of every change of local users' devices: one row, one EDU, however many rooms are shared. */
export class DeviceListSender {
  readonly follower: EduFollower
  readonly #context: EncryptionContext
  readonly #edus: DeviceListEdus

  constructor(context: EncryptionContext, parts: { edus: DeviceListEdus; keepEdus: KeepEdus }) {
    this.follower = new EduFollower(context, {
      ...{ name: 'device list updates', stream: 'device_lists', keepEdus: parts.keepEdus },
      work: (after, upTo) => this.#sendChanges(after, upTo),
    })
    this.#context = context
    this.#edus = parts.edus
  }

  async #sendChanges(after: number, upTo: number): Promise<EduStep> {
    const { read, rooms, isLocal, serverName } = this.#context
    const changes = await read.deviceLists.between(after, upTo, BATCH)
    const edus = []
    for (const change of changes) {
      if (!isLocal(change.userId)) continue
      const hosts = new Set([
        ...(await read.companions.hostsOf(change.userId)),
        ...(await rooms.partial.serversAround(change.userId)),
      ])
      const destinations = [...hosts].filter(host => host !== serverName)
      edus.push(...(await this.#edus.ofChange(change, destinations)))
    }
    return { edus, reached: changes.length < BATCH ? upTo : (changes.at(-1)?.position ?? upTo) }
  }
}
