import { MatrixError } from '../../core/errors.ts'
import { fitsBytes, MAX_ID_BYTES } from '../../core/ids.ts'
import type { Device } from '../../storage/accounts/devices.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { endActing } from './acting.ts'
import type { Authentication } from './authentication.ts'
import type { AccountsContext } from './context.ts'

/** A device as clients see it (`Device` of the client-server API). */
export interface ClientDevice {
  readonly device_id: string
  readonly display_name?: string
  readonly last_seen_ip?: string
  readonly last_seen_ts?: number
}

/** In code points. Device names are public and travel to every server that shares a room. */
const MAX_NAME_LENGTH = 100

/** Unused devices that are removed in one round. */
const MAX_REMOVED = 1_000

/** What a client may call its device: cut to the limit, since a login is not refused for a long name. */
export const initialDeviceName = (name: string | undefined): string | undefined =>
  name === undefined ? undefined : [...name.toWellFormed()].slice(0, MAX_NAME_LENGTH).join('')

/** Refuses device IDs that cannot be one. @throws {MatrixError} `M_INVALID_PARAM` */
export const checkDeviceId = (deviceId: string): void => {
  if (
    deviceId === '' ||
    !fitsBytes(deviceId, MAX_ID_BYTES) ||
    !deviceId.isWellFormed() ||
    deviceId.includes('\0')
  ) {
    throw new MatrixError('M_INVALID_PARAM', 'A device ID has 1 to 255 bytes.')
  }
}

/** "The given device ID must not be the same as a cross-signing key ID." @throws {MatrixError} `M_FORBIDDEN` */
export const refuseSigningKey = async (
  { hooks }: AccountsContext,
  userId: string,
  deviceId: string,
): Promise<void> => {
  if (await hooks.isSigningKey?.(userId, deviceId))
    throw new MatrixError('M_FORBIDDEN', 'A device cannot be named like one of your cross-signing keys.')
}

/** Account data that is about one device, whose ID follows: whether it keeps quiet (MSC3890). */
const OF_DEVICE = ['m.local_notification_settings.', 'org.matrix.msc3890.local_notification_settings.']

/**
 * The statements that remove devices with all that belongs to them. "When devices are removed servers should delete any
 * `m.local_notification_settings.<device-id>` account_data events for the given device, and communicate these changes to clients."
 */
export const removalStatements = (
  { write, hooks }: AccountsContext,
  userId: string,
  deviceIds: readonly string[],
): WriteStatement[] =>
  deviceIds.length === 0
    ? []
    : [
        ...(hooks.onDevicesChange?.(userId, { removed: deviceIds }) ?? []),
        write.devices.delete(userId, deviceIds),
        write.tokens.dropDevices(userId, deviceIds),
        write.accountData.clear(
          userId,
          '',
          deviceIds.flatMap(deviceId => OF_DEVICE.map(prefix => `${prefix}${deviceId}`)),
        ),
      ]

/** The devices of local users (module "Device Management"). */
export class Devices {
  readonly #context: AccountsContext
  readonly #authentication: Authentication

  constructor(context: AccountsContext, authentication: Authentication) {
    this.#context = context
    this.#authentication = authentication
  }

  /** All devices of a user. */
  async list(userId: string): Promise<ClientDevice[]> {
    return (await this.all(userId)).map(clientDevice)
  }

  /** The same with all that is known of them. */
  async all(userId: string): Promise<Device[]> {
    const devices = await this.#context.read.devices.byUser(userId)
    return devices.map(device => this.#authentication.lastSeen.newest(userId, device))
  }

  /** One device. @throws {MatrixError} `M_NOT_FOUND` */
  async get(userId: string, deviceId: string): Promise<ClientDevice> {
    const device = await this.#context.read.devices.byId(userId, deviceId)
    if (device === undefined) throw noSuchDevice()
    return this.#shown(userId, device)
  }

  #shown(userId: string, device: Device): ClientDevice {
    return clientDevice(this.#authentication.lastSeen.newest(userId, device))
  }

  /**
   * Names a device; without a name it only has to exist. Where nothing changes, nobody is told.
   * @throws {MatrixError} `M_NOT_FOUND`, `M_INVALID_PARAM`
   */
  async rename(userId: string, deviceId: string, name: string | undefined): Promise<void> {
    if (name !== undefined && ([...name].length > MAX_NAME_LENGTH || !name.isWellFormed())) {
      throw new MatrixError('M_INVALID_PARAM', `A device name has at most ${MAX_NAME_LENGTH} characters.`)
    }
    const { display_name: before } = await this.get(userId, deviceId)
    if (name === undefined || name === before) return
    const { write, hooks } = this.#context
    const result = await this.#context.commit([
      write.devices.rename(userId, deviceId, name),
      ...(hooks.onDevicesChange?.(userId, { renamed: [deviceId] }) ?? []),
    ])
    if (!result.ok) throw noSuchDevice()
  }

  /** Removes devices and revokes their tokens. Those that are gone already are no error. */
  async remove(userId: string, deviceIds: readonly string[]): Promise<void> {
    if (deviceIds.length === 0) return
    await this.#context.commit(removalStatements(this.#context, userId, deviceIds))
    await this.#authentication.forget(userId)
  }

  /** The same for a list that somebody sends: what names no device costs nothing, however often it stands there. */
  async removeNamed(userId: string, named: readonly string[]): Promise<void> {
    const present = new Set(await this.#context.read.devices.ids(userId))
    await this.remove(userId, [...present.intersection(new Set(named))])
  }

  /**
   * Removes all devices of a user, but for `kept`. What they have begun in browsers and what could become a session still ends with them,
   * and an administrator ceases to act as others.
   */
  async removeAll(userId: string, kept?: string): Promise<void> {
    const { read, write } = this.#context
    await this.#context.commit([write.users.endSignIns(userId)])
    await endActing(this.#context, this.#authentication, userId)
    const deviceIds = await read.devices.ids(userId)
    await this.remove(
      userId,
      deviceIds.filter(deviceId => deviceId !== kept),
    )
  }

  /** Removes devices that nobody has used for longer than the settings allow; whoever shares a room is told. */
  async removeUnused(): Promise<void> {
    const { options, read, clock } = this.#context
    const lifetime = options.sessions.deviceLifetimeMs
    if (lifetime === undefined) return
    const unused = await read.devices.unused(clock.now() - lifetime, MAX_REMOVED)
    for (const [userId, deviceIds] of unused) await this.remove(userId, deviceIds)
  }

  /** Removes the devices that were not heard of for longest, beyond the number that a user may have. */
  async bound(userId: string): Promise<void> {
    const deviceIds = await this.#context.read.devices.ordinaryIds(userId)
    const excess = deviceIds.length - this.#context.options.sessions.maxDevices
    if (excess > 0) await this.remove(userId, deviceIds.slice(0, excess))
  }
}

const noSuchDevice = (): MatrixError => new MatrixError('M_NOT_FOUND', 'You have no such device.')

const clientDevice = ({ deviceId, displayName, lastSeenIp, lastSeenTs }: Device): ClientDevice => ({
  device_id: deviceId,
  ...(displayName === undefined ? {} : { display_name: displayName }),
  ...(lastSeenIp === undefined ? {} : { last_seen_ip: lastSeenIp }),
  ...(lastSeenTs === undefined ? {} : { last_seen_ts: lastSeenTs }),
})
