import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { parseJson } from '../../core/parse-json.ts'
import { verifyJson } from '../../core/signing.ts'
import { DeviceWriter } from '../../storage/accounts/devices.ts'
import { checkDeviceId, initialDeviceName } from '../accounts/devices.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { EncryptionContext } from './context.ts'
import { deviceChangeStatements } from './device-changes.ts'
import type { DeviceKeys } from './device-keys.ts'
import type { KeyUpload } from './uploaded-keys.ts'

/** A dehydrated device, as a client uploads it. */
export interface DehydratedUpload extends KeyUpload {
  readonly device_id: string
  readonly device_data: JsonObject
  readonly initial_device_display_name?: string | undefined
}

/** A batch of what has been sent to a dehydrated device. */
export interface DehydratedEvents {
  readonly events: readonly JsonObject[]
  /** Where there may be more. */
  readonly next_batch?: string
}

/** Uploads to several processes at once that get in each other's way before one of them is refused. */
const MAX_ATTEMPTS = 5

/** Messages of one batch. */
const BATCH = 100

/** Larger devices are not stored. Bytes of JSON. */
const MAX_DEVICE_DATA = 1024 * 1024

/**
 * Devices that are stored encrypted on the server and receive room keys while their user is not logged in anywhere
 * (MSC3814). Each user has at most one.
 */
export class DehydratedDevices {
  readonly #context: EncryptionContext
  readonly #deviceKeys: DeviceKeys
  readonly #devices: DeviceWriter
  readonly #turns = new SerialQueue()

  constructor(context: EncryptionContext, deviceKeys: DeviceKeys) {
    this.#context = context
    this.#deviceKeys = deviceKeys
    this.#devices = new DeviceWriter(context.database)
  }

  /** The user's dehydrated device. @throws {MatrixError} `M_NOT_FOUND` */
  async get(userId: string): Promise<{ device_id: string; device_data: JsonObject }> {
    const { deviceId, deviceData } = await this.#existing(userId)
    return { device_id: deviceId, device_data: parseJson(deviceData) as JsonObject }
  }

  /** Which of a user's devices is one. */
  async idOf(userId: string): Promise<string | undefined> {
    return (await this.#context.read.dehydrated.ofUser(userId))?.deviceId
  }

  /**
   * Stores a dehydrated device with its keys, in place of the one before.
   * @throws {MatrixError} `M_INVALID_PARAM`, `M_TOO_LARGE`; `M_FORBIDDEN` where the ID is that of an ordinary device;
   *   `M_MISSING_PARAM`, `M_INVALID_SIGNATURE` where the keys are not those of a dehydrated device
   */
  async put(userId: string, upload: DehydratedUpload): Promise<void> {
    const { device_id: deviceId, device_data: data } = upload
    checkDeviceId(deviceId)
    const deviceData = JSON.stringify(data)
    if (typeof data['algorithm'] !== 'string') {
      throw new MatrixError('M_INVALID_PARAM', 'The device names no algorithm.')
    }
    if (Buffer.byteLength(deviceData) > MAX_DEVICE_DATA) {
      throw new MatrixError('M_TOO_LARGE', 'The device is too large.')
    }
    await this.#checkKeys(userId, upload)
    await this.#turns.run(userId, async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
        if (await this.#replace(userId, upload, deviceData)) return
      throw new MatrixError('M_UNKNOWN', 'The device is being replaced all the time.', { status: 503 })
    })
  }

  /** Answers whether it was stored: another process may have been faster. */
  async #replace(userId: string, upload: DehydratedUpload, deviceData: string): Promise<boolean> {
    const { device_id: deviceId } = upload
    const { read, write, clock } = this.#context
    const before = await read.dehydrated.ofUser(userId)
    if (before?.deviceId !== deviceId && (await this.#context.hasDevice(userId, deviceId))) {
      throw new MatrixError('M_FORBIDDEN', 'This is the ID of another device.')
    }
    const removed = before === undefined ? [] : [before.deviceId]
    const place = { offset: removed.length, isEmpty: true }
    const keys = await this.#deviceKeys.uploadStatements(userId, deviceId, upload, place)
    const name = initialDeviceName(upload.initial_device_display_name)
    const result = await this.#context.commit([
      ...deviceChangeStatements(this.#context, clock, userId, { removed }),
      this.#devices.delete(userId, removed),
      this.#devices.insert(userId, deviceId, name, clock.now()),
      write.dehydrated.add(userId, { deviceId, deviceData }),
      ...keys,
    ])
    return result.ok
  }

  /** Removes the dehydrated device; answers its ID. @throws {MatrixError} `M_NOT_FOUND` */
  async delete(userId: string): Promise<string> {
    const { deviceId } = await this.#existing(userId)
    await this.#context.commit([
      ...deviceChangeStatements(this.#context, this.#context.clock, userId, { removed: [deviceId] }),
      this.#devices.delete(userId, [deviceId]),
    ])
    return deviceId
  }

  /**
   * What has been sent to the device, which stays stored until the device is removed.
   * @param from `next_batch` of the batch before
   * @throws {MatrixError} `M_FORBIDDEN` where this is not the dehydrated device, `M_INVALID_PARAM`
   */
  async events(userId: string, deviceId: string, from: string | undefined): Promise<DehydratedEvents> {
    const { events, position, isLast } = await this.batch(userId, deviceId, from)
    return isLast ? { events } : { events, next_batch: String(position) }
  }

  /** The same with the position that it ends at, and whether that is all there is. */
  async batch(
    userId: string,
    deviceId: string,
    from: string | undefined,
  ): Promise<{ events: readonly JsonObject[]; position: number; isLast: boolean }> {
    const device = await this.#context.read.dehydrated.ofUser(userId)
    if (device?.deviceId !== deviceId) {
      throw new MatrixError('M_FORBIDDEN', 'This is not your dehydrated device.')
    }
    if (from !== undefined && !/^\d{1,15}$/.test(from)) {
      throw new MatrixError('M_INVALID_PARAM', 'from is not a token of this server')
    }
    const { read, database } = this.#context
    const span = { after: Number(from ?? 0), upTo: database.position('to_device') }
    const messages = await read.toDevice.waiting(userId, deviceId, span, BATCH + 1)
    const told = messages.slice(0, BATCH)
    const events = told.map(({ sender, type, content }) => ({
      sender,
      type,
      content: parseJson(content) as JsonObject,
    }))
    return { events, position: told.at(-1)?.position ?? span.after, isLast: told.length === messages.length }
  }

  /** "The dehydrated device MUST be cross-signed and have a fallback key." */
  async #checkKeys(
    userId: string,
    { device_keys: keys, fallback_keys: fallback }: DehydratedUpload,
  ): Promise<void> {
    if (keys === undefined) throw new MatrixError('M_MISSING_PARAM', 'The device has no keys.')
    if (Object.keys(fallback ?? {}).length === 0) {
      throw new MatrixError('M_MISSING_PARAM', 'The device has no fallback key.')
    }
    const own = await this.#context.read.crossSigningKeys.ofUsers([userId])
    const signer = own.find(({ usage }) => usage === 'self_signing')?.publicKey
    if (signer === undefined || !verifyJson(keys, userId, `ed25519:${signer}`, signer)) {
      throw new MatrixError('M_INVALID_SIGNATURE', 'Your self-signing key has not signed the device.')
    }
  }

  async #existing(userId: string): Promise<{ deviceId: string; deviceData: string }> {
    const device = await this.#context.read.dehydrated.ofUser(userId)
    if (device === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no dehydrated device.')
    return device
  }
}
