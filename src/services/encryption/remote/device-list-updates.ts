import { fitsBytes, isCompliantUserId, MAX_ID_BYTES, serverNameOf } from '../../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../../core/json.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { RemoteDeviceList } from '../../../storage/encryption/remote-devices.ts'
import { SerialQueue } from '../../serial-queue.ts'
import type { EncryptionContext } from '../context.ts'
import { crossSigningRow, type DeviceListResync } from './device-list-resync.ts'

/** Updates of one user that get in each other's way before the list is given up as stale. */
const MAX_ATTEMPTS = 5

/** An `m.device_list_update`, read. */
interface Update {
  readonly userId: string
  readonly deviceId: string
  readonly streamId: number
  readonly previous: readonly number[]
  /** `undefined`: the device is gone, or has no keys. */
  readonly json: string | undefined
  readonly displayName: string | undefined
}

/** Takes in what other servers tell of their users' devices and identities. */
export class DeviceListUpdates {
  readonly #context: EncryptionContext
  readonly #resync: DeviceListResync
  readonly #turns = new SerialQueue()

  constructor(context: EncryptionContext, resync: DeviceListResync) {
    this.#context = context
    this.#resync = resync
  }

  /**
   * An `m.device_list_update`: one device has changed. Clients are told in any case; what is kept is brought up to date
   * where the update follows it, and else marked as stale, to be fetched whole.
   */
  async deviceChanged(origin: string, content: JsonObject): Promise<void> {
    const update = updateOf(origin, content)
    if (update === undefined) return
    // In the order in which they came: the updates of one transaction follow each other.
    await this.#turns.run(update.userId, () => this.#takeIn(update))
  }

  async #takeIn(update: Update): Promise<void> {
    if (!(await this.#resync.isFollowed(update.userId))) return this.#distrust(update.userId)
    const { read, write, clock } = this.#context
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const list = (await read.remoteDevices.lists([update.userId])).get(update.userId)
      const told = write.deviceLists.insert(update.userId, [update.deviceId], clock.now())
      if (list !== undefined && !list.isStale && isKnown(list, update)) return
      const kept = list === undefined ? [] : this.#keep(list, update)
      if ((await this.#context.commit([...kept, told])).ok) {
        if (list !== undefined && (list.isStale || !follows(list, update)))
          this.#resync.refreshSoon(update.userId)
        return
      }
    }
    await this.#context.commit([write.remoteDevices.markStale([update.userId])])
  }

  /** An `m.signing_key_update`: a user has other cross-signing keys. */
  async keysChanged(origin: string, content: JsonObject): Promise<void> {
    const { user_id: userId, master_key: master, self_signing_key: selfSigning } = content
    if (typeof userId !== 'string' || serverNameOf(userId) !== origin || !isCompliantUserId(userId)) return
    if (!(await this.#resync.isFollowed(userId))) return this.#distrust(userId)
    const { read, write, clock } = this.#context
    const known = await read.crossSigningKeys.ofUsers([userId])
    const keys = [
      crossSigningRow(userId, 'master', isJsonObject(master) ? master : undefined),
      crossSigningRow(userId, 'self_signing', isJsonObject(selfSigning) ? selfSigning : undefined),
    ].filter(row => row !== undefined)
    if (keys.every(key => known.some(({ usage, json }) => usage === key.usage && json === key.json))) return
    const before = known.find(row => row.usage === 'master')?.publicKey
    const isNewIdentity = keys.some(key => key.usage === 'master' && key.publicKey !== before)
    await this.#context.commit([
      // What the former master key has signed is worth nothing.
      ...(isNewIdentity ? write.crossSigningKeys.drop(userId, ['self_signing']) : []),
      ...write.crossSigningKeys.set(keys),
      write.deviceLists.insert(userId, [''], clock.now()),
    ])
  }

  /**
   * An update of somebody who shares no room with us is not taken in. Of whoever has just left, a list is still kept for a
   * moment, and for longer if they come into another room meanwhile: it lacks this update then.
   */
  async #distrust(userId: string): Promise<void> {
    const { read, write } = this.#context
    const list = (await read.remoteDevices.lists([userId])).get(userId)
    if (list?.isStale === false) await this.#context.commit([write.remoteDevices.markStale([userId])])
  }

  #keep(list: RemoteDeviceList, update: Update): WriteStatement[] {
    const { remoteDevices } = this.#context.write
    const { userId, deviceId, displayName, json } = update
    if (list.isStale || !follows(list, update)) {
      return [remoteDevices.advance(list, { streamId: list.streamId, isStale: true })]
    }
    return [
      remoteDevices.advance(list, { streamId: update.streamId, isStale: false }),
      ...(json === undefined
        ? [remoteDevices.drop(userId, deviceId)]
        : remoteDevices.set([{ userId, deviceId, displayName, json }])),
    ]
  }
}

/**
 * Whether an update is in the list already. An earlier one that is "the first EDU in a sequence" is not: its server has begun to
 * count anew, as with another database.
 */
const isKnown = (list: RemoteDeviceList, { streamId, previous }: Update): boolean =>
  streamId === list.streamId || (streamId < list.streamId && previous.length > 0)

/**
 * Whether nothing was missed: all updates that this one is relative to are in the list. `prev_id` is empty "for the first
 * EDU in a sequence", which is no continuation of anything.
 */
const follows = (list: RemoteDeviceList, { previous }: Update): boolean =>
  previous.length === 0 ? list.streamId === 0 : previous.every(streamId => streamId <= list.streamId)

const updateOf = (origin: string, content: JsonObject): Update | undefined => {
  const { user_id: userId, device_id: deviceId, stream_id: streamId, prev_id: previous = [] } = content
  if (typeof userId !== 'string' || serverNameOf(userId) !== origin || !isCompliantUserId(userId)) return
  if (typeof deviceId !== 'string' || deviceId === '' || !fitsBytes(deviceId, MAX_ID_BYTES)) return
  if (!Number.isSafeInteger(streamId) || !Array.isArray(previous) || deviceId.includes('\0')) return
  const { keys, device_display_name: name, deleted } = content
  const isOwn = isJsonObject(keys) && keys['user_id'] === userId && keys['device_id'] === deviceId
  return {
    userId,
    deviceId,
    streamId: Number(streamId),
    // What cannot be read cannot be known.
    previous: previous.map(each => (Number.isSafeInteger(each) ? Number(each) : Number.POSITIVE_INFINITY)),
    json: deleted !== true && isOwn ? JSON.stringify(keys) : undefined,
    displayName: typeof name === 'string' ? name : undefined,
  }
}
