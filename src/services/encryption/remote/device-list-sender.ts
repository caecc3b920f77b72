import type { JsonObject } from '../../../core/json.ts'
import type { DeviceListChange } from '../../../storage/encryption/device-list-changes.ts'
import { membershipOf } from '../../rooms/room-head.ts'
import { StreamFollower } from '../../stream-follower.ts'
import type { EncryptionContext } from '../context.ts'
import type { LocalKeys, Viewer } from '../local-keys.ts'
import type { QueueEdu } from '../ports.ts'

/** Rows of a stream that are worked on at once. */
const BATCH = 100

/** Tells other servers of every change of local users' devices, and follows remote users only as long as it is told. */
export class DeviceListSender {
  readonly #context: EncryptionContext
  readonly #local: LocalKeys
  readonly #queueEdu: QueueEdu
  readonly #viewer: Viewer
  readonly #followers: readonly StreamFollower[]

  constructor(
    context: EncryptionContext,
    parts: { local: LocalKeys; queueEdu: QueueEdu; withNames: boolean },
  ) {
    this.#context = context
    this.#local = parts.local
    this.#queueEdu = parts.queueEdu
    this.#viewer = { userId: '', withNames: parts.withNames }
    const { database, log } = context
    this.#followers = [
      new StreamFollower({
        name: 'device list updates',
        stream: 'device_lists',
        database,
        log,
        work: (after, upTo) => this.#sendChanges(after, upTo),
      }),
      new StreamFollower({
        name: 'followed device lists',
        stream: 'events',
        database,
        log,
        work: (after, upTo) => this.#forgetLeft(after, upTo),
      }),
    ]
  }

  start(): void {
    for (const follower of this.#followers) follower.start()
  }

  async close(): Promise<void> {
    await Promise.all(this.#followers.map(follower => follower.close()))
  }

  async #sendChanges(after: number, upTo: number): Promise<number> {
    const { read, isLocal } = this.#context
    const changes = await read.deviceLists.between(after, upTo, BATCH)
    for (const change of changes) if (isLocal(change.userId)) await this.#send(change)
    return changes.length < BATCH ? upTo : (changes.at(-1)?.position ?? upTo)
  }

  async #send(change: DeviceListChange): Promise<void> {
    const { read, serverName } = this.#context
    const hosts = await read.deviceLists.hostsOf(change.userId)
    const destinations = hosts.filter(host => host !== serverName)
    if (destinations.length === 0) return
    const isDevice = change.deviceId !== ''
    await this.#queueEdu({
      destinations,
      type: isDevice ? 'm.device_list_update' : 'm.signing_key_update',
      content: isDevice ? await this.#deviceUpdate(change) : await this.#keyUpdate(change.userId),
      keep: true,
    })
  }

  async #deviceUpdate({ userId, deviceId, position }: DeviceListChange): Promise<JsonObject> {
    const previous = await this.#context.read.deviceLists.previous(userId, position)
    const keys = await this.#local.query(new Map([[userId, [deviceId]]]), this.#viewer)
    const device = keys.device_keys[userId]?.[deviceId]
    const { unsigned, ...own } = device ?? {}
    return {
      user_id: userId,
      device_id: deviceId,
      stream_id: position,
      prev_id: previous === undefined ? [] : [previous],
      ...(unsigned as JsonObject | undefined),
      ...(device === undefined ? { deleted: true } : { keys: own }),
    }
  }

  async #keyUpdate(userId: string): Promise<JsonObject> {
    const keys = await this.#local.query(new Map([[userId, []]]), this.#viewer)
    const { [userId]: master } = keys.master_keys
    const { [userId]: selfSigning } = keys.self_signing_keys
    return {
      user_id: userId,
      ...(master === undefined ? {} : { master_key: master }),
      ...(selfSigning === undefined ? {} : { self_signing_key: selfSigning }),
    }
  }

  /** Whoever has left may change devices without our being told; a later return does not make up for that. */
  async #forgetLeft(after: number, upTo: number): Promise<number> {
    const { read, write, rooms, serverName } = this.#context
    const members = await read.deviceLists.memberEvents(after, upTo, BATCH)
    for (const member of members) {
      const nid = await rooms.state.point(member.roomNid, 'm.room.member', member.userId, member.position)
      const [stored] = nid === undefined ? [] : await rooms.events.byNids([nid])
      if (stored !== undefined && membershipOf(stored.event) === 'join') continue
      await this.#context.commit([write.remoteDevices.forgetUnshared(member, serverName)])
    }
    return members.length < BATCH ? upTo : (members.at(-1)?.position ?? upTo)
  }
}
