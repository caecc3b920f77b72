import { StreamFollower } from '../../stream-follower.ts'
import type { EncryptionContext } from '../context.ts'
import type { KeepEdus } from '../ports.ts'
import type { DeviceListEdus } from './device-list-edus.ts'

/** Changes that are worked on at once. */
const BATCH = 100

/** Tells other servers of every change of local users' devices: one row, one EDU, however many rooms are shared. */
export class DeviceListSender {
  readonly #context: EncryptionContext
  readonly #edus: DeviceListEdus
  readonly #keepEdus: KeepEdus
  readonly #follower: StreamFollower

  constructor(context: EncryptionContext, parts: { edus: DeviceListEdus; keepEdus: KeepEdus }) {
    this.#context = context
    this.#edus = parts.edus
    this.#keepEdus = parts.keepEdus
    const { database, log } = context
    this.#follower = new StreamFollower({
      name: 'device list updates',
      stream: 'device_lists',
      database,
      log,
      work: (after, upTo) => this.#sendChanges(after, upTo),
    })
  }

  start(): void {
    this.#follower.start()
  }

  async close(): Promise<void> {
    await this.#follower.close()
  }

  async #sendChanges(after: number, upTo: number): Promise<number> {
    const { read, rooms, isLocal, serverName } = this.#context
    const changes = await read.deviceLists.between(after, upTo, BATCH)
    const edus = []
    for (const change of changes) {
      if (!isLocal(change.userId)) continue
      const hosts = new Set([
        ...(await read.deviceLists.hostsOf(change.userId)),
        ...(await rooms.partial.serversAround(change.userId)),
      ])
      const destinations = [...hosts].filter(host => host !== serverName)
      edus.push(...(await this.#edus.ofChange(change, destinations)))
    }
    const { statements, committed } = this.#keepEdus(edus)
    await this.#context.commit(statements)
    committed()
    return changes.length < BATCH ? upTo : (changes.at(-1)?.position ?? upTo)
  }
}
