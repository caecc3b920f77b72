import type { JsonObject } from '../../../core/json.ts'
import type { DeviceListChange } from '../../../storage/encryption/device-list-changes.ts'
import type { KeptEdu } from '../../kept-edus.ts'
import type { EncryptionContext } from '../context.ts'
import type { KeysOfUsers, LocalKeys, Viewer } from '../local-keys.ts'

/** Says to other servers what local users' devices and identities are (server-server API, "Device Management"). */
export class DeviceListEdus {
  readonly #context: EncryptionContext
  readonly #local: LocalKeys
  readonly #viewer: Viewer

  constructor(context: EncryptionContext, { local, withNames }: { local: LocalKeys; withNames: boolean }) {
    this.#context = context
    this.#local = local
    this.#viewer = { userId: '', withNames }
  }

  /** One change, as things are now; it names the change before it, so that a gap shows. */
  async ofChange(
    { userId, deviceId, position }: DeviceListChange,
    destinations: readonly string[],
  ): Promise<KeptEdu[]> {
    if (destinations.length === 0) return []
    if (deviceId === '') return keyUpdate(userId, await this.#keys(userId, []), destinations)
    const previous = await this.#context.read.deviceLists.previous(userId, position)
    const keys = await this.#keys(userId, [deviceId])
    const sequence = { stream_id: position, prev_id: previous === undefined ? [] : [previous] }
    return [await this.#deviceUpdate(userId, deviceId, { keys, sequence, destinations })]
  }

  /**
   * All that a user has, for servers that may know nothing of it or what is no longer so: they learn the number of the
   * newest change, and whoever has not got the one before asks for the whole list.
   */
  async introduction(userId: string, destinations: readonly string[]): Promise<KeptEdu[]> {
    const { deviceLists } = this.#context.read
    const latest = await deviceLists.latest(userId)
    if (destinations.length === 0 || latest === undefined) return []
    const previous = await deviceLists.previous(userId, latest.position)
    const keys = await this.#keys(userId, [])
    const sequence = { stream_id: latest.position, prev_id: previous === undefined ? [] : [previous] }
    // The newest change may be that a device is gone: whoever has got the one before learns of it only here. It comes first:
    // with any of the others of this number they would take it for known.
    const deviceIds = new Set([latest.deviceId, ...Object.keys(keys.device_keys[userId] ?? {})])
    const updates = Array.from(deviceIds, deviceId =>
      this.#deviceUpdate(userId, deviceId, { keys, sequence, destinations }),
    )
    return [
      ...(await Promise.all(updates)),
      ...(keys.master_keys[userId] === undefined ? [] : keyUpdate(userId, keys, destinations)),
    ]
  }

  /** One without keys has been removed, or "has no E2E keys defined". */
  async #deviceUpdate(
    userId: string,
    deviceId: string,
    {
      keys,
      sequence,
      destinations,
    }: { keys: KeysOfUsers; sequence: JsonObject; destinations: readonly string[] },
  ): Promise<KeptEdu> {
    const { [deviceId]: device } = keys.device_keys[userId] ?? {}
    const { unsigned, ...own } = device ?? {}
    const isGone = device === undefined && !(await this.#context.hasDevice(userId, deviceId))
    return {
      destinations,
      type: 'm.device_list_update',
      content: {
        user_id: userId,
        device_id: deviceId,
        ...sequence,
        ...(unsigned as JsonObject | undefined),
        ...(isGone ? { deleted: true } : {}),
        ...(device === undefined ? {} : { keys: own }),
      },
    }
  }

  #keys(userId: string, deviceIds: readonly string[]): Promise<KeysOfUsers> {
    return this.#local.query(new Map([[userId, deviceIds]]), this.#viewer)
  }
}

const keyUpdate = (userId: string, keys: KeysOfUsers, destinations: readonly string[]): KeptEdu[] => {
  const { [userId]: master } = keys.master_keys
  const { [userId]: selfSigning } = keys.self_signing_keys
  const content = {
    user_id: userId,
    ...(master === undefined ? {} : { master_key: master }),
    ...(selfSigning === undefined ? {} : { self_signing_key: selfSigning }),
  }
  return [{ destinations, type: 'm.signing_key_update', content }]
}
