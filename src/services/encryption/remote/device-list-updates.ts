import { fitsBytes, isCompliantUserId, MAX_ID_BYTES, serverNameOf } from '../../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../../core/json.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { CrossSigningKeyRow } from '../../../storage/encryption/cross-signing-keys.ts'
import type { RemoteDeviceList } from '../../../storage/encryption/remote-devices.ts'
import { SerialQueue } from '../../serial-queue.ts'
import type { EncryptionContext } from '../context.ts'
import { isSameJson } from '../uploaded-keys.ts'
import { shownName, withinReason } from './device-bounds.ts'
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

/** What comes of an update for what is kept of its user. */
interface Change {
  readonly statements: readonly WriteStatement[]
  /** What becomes of the list, where one is kept. */
  readonly list: { readonly streamId: number; readonly isStale: boolean }
  /** Otherwise all of it was known. */
  readonly isNews: boolean
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
    const { userId, deviceId } = update
    await this.#takeIn(userId, deviceId, async list => this.#deviceChange(list, update))
  }

  /** An `m.signing_key_update`: a user has other cross-signing keys, or the same with other signatures. */
  async keysChanged(origin: string, content: JsonObject): Promise<void> {
    const { user_id: userId, master_key: master, self_signing_key: selfSigning } = content
    if (typeof userId !== 'string' || serverNameOf(userId) !== origin || !isCompliantUserId(userId)) return
    const keys = [
      crossSigningRow(userId, 'master', isJsonObject(master) ? master : undefined),
      crossSigningRow(userId, 'self_signing', isJsonObject(selfSigning) ? selfSigning : undefined),
    ].filter(row => row !== undefined)
    await this.#takeIn(userId, '', list => this.#identityChange(list, userId, keys))
  }

  /** One after the other, in the order in which they came: the updates of one transaction follow each other. */
  async #takeIn(
    userId: string,
    deviceId: string,
    changeOf: (list: RemoteDeviceList | undefined) => Promise<Change>,
  ): Promise<void> {
    await this.#turns.run(userId, async () => {
      if (!(await this.#resync.isFollowed(userId))) return this.#distrust(userId)
      const { read, write, clock } = this.#context
      const told = write.deviceLists.insert(userId, [deviceId], clock.now())
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const list = (await read.remoteDevices.lists([userId])).get(userId)
        const change = await changeOf(list)
        if (!change.isNews && list?.isUntold !== true) return
        // The list moves on in any case: what is just being fetched of it may be from before.
        const moved = list === undefined ? [] : [write.remoteDevices.advance(list, change.list)]
        if (!(await this.#context.commit([...moved, ...change.statements, told])).ok) continue
        if (change.list.isStale) this.#resync.refreshSoon(userId)
        return
      }
      await this.#context.commit([write.remoteDevices.markStale([userId]), told])
    })
  }

  async #deviceChange(list: RemoteDeviceList | undefined, update: Update): Promise<Change> {
    if (list === undefined) return { statements: [], list: { streamId: 0, isStale: false }, isNews: true }
    if (await this.#isKnown(list, update)) return { statements: [], list, isNews: false }
    if (!follows(list, update) || (await this.#isTooMuch(update)))
      return { statements: [], list: { ...list, isStale: true }, isNews: true }
    const { remoteDevices } = this.#context.write
    const { userId, deviceId, displayName, json, streamId } = update
    const statements =
      json === undefined
        ? [remoteDevices.drop(userId, deviceId)]
        : remoteDevices.set([{ userId, deviceId, displayName, json }])
    return { statements, list: { streamId, isStale: false }, isNews: true }
  }

  /** Whether a user would have more devices than are kept of anybody: which ones are is seen when the whole list is fetched. */
  async #isTooMuch({ userId, deviceId, json }: Update): Promise<boolean> {
    if (json === undefined) return false
    const devices = await this.#context.read.remoteDevices.devices([userId])
    const others = devices.filter(device => device.deviceId !== deviceId)
    return withinReason([...others, { json }], device => device.json).length <= others.length
  }

  /**
   * Whether an update is in the list already. An earlier one that is "the first EDU in a sequence" is not: its server has begun
   * to count anew, as with another database. Nor is one by which a device is there that is not, or the other way round: Dendrite
   * numbers the end of a device as if nothing had been since it was logged in.
   */
  async #isKnown(
    list: RemoteDeviceList,
    { userId, streamId, previous, ...update }: Update,
  ): Promise<boolean> {
    if (list.isStale || streamId > list.streamId) return false
    if (streamId < list.streamId && previous.length === 0) return false
    const devices = await this.#context.read.remoteDevices.devices([userId])
    const kept = devices.find(({ deviceId }) => deviceId === update.deviceId)
    return (kept === undefined) === (update.json === undefined)
  }

  async #identityChange(
    list: RemoteDeviceList | undefined,
    userId: string,
    keys: readonly CrossSigningKeyRow[],
  ): Promise<Change> {
    const { read, write } = this.#context
    const known = await read.crossSigningKeys.ofUsers([userId])
    const isKnown = keys.every(key =>
      known.some(({ usage, json }) => usage === key.usage && isSameJson(json, key.json)),
    )
    // Dendrite says so that a device was signed, or the keys themselves: such signatures are in the whole list.
    if (isKnown && keys.length > 0 && list !== undefined) {
      return { statements: [], list: { ...list, isStale: true }, isNews: true }
    }
    const before = known.find(row => row.usage === 'master')?.publicKey
    const isNewIdentity = keys.some(key => key.usage === 'master' && key.publicKey !== before)
    const statements = [
      // What the former master key has signed is worth nothing.
      ...(isNewIdentity ? write.crossSigningKeys.drop(userId, ['self_signing']) : []),
      ...write.crossSigningKeys.set(keys),
    ]
    return { statements, list: list ?? { streamId: 0, isStale: false }, isNews: !isKnown }
  }

  /**
   * An update of somebody who shares no room with us is not taken in. Of whoever has just left, a list is still kept for a
   * moment, and for longer if they come into another room meanwhile: it lacks this update then, and so does what is just
   * being fetched of it.
   */
  async #distrust(userId: string): Promise<void> {
    const { read, write } = this.#context
    const { size } = await read.remoteDevices.lists([userId])
    if (size > 0) await this.#context.commit([write.remoteDevices.markStale([userId])])
  }
}

/**
 * Whether nothing was missed: all updates that this one is relative to are in the list. `prev_id` is empty "for the first
 * EDU in a sequence", which is no continuation of anything.
 */
const follows = (list: RemoteDeviceList, { streamId, previous }: Update): boolean =>
  !list.isStale &&
  (previous.length === 0
    ? list.streamId === 0
    : streamId > list.streamId && previous.every(each => each <= list.streamId))

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
    displayName: typeof name === 'string' ? shownName(name) : undefined,
  }
}
