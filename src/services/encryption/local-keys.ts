import type { JsonObject } from '../../core/json.ts'
import { parseJson } from '../../core/parse-json.ts'
import type { UserReader } from '../../storage/accounts/users.ts'
import type { CrossSigningKeyRow, KeyUsage } from '../../storage/encryption/cross-signing-keys.ts'
import type { DeviceKeysRow } from '../../storage/encryption/device-keys.ts'
import type { EncryptionContext } from './context.ts'
import { SignatureIndex } from './visible-keys.ts'

/** Users → the devices that are wanted; an empty list means all. */
export type WantedDevices = ReadonlyMap<string, readonly string[]>

/** Keys of users, as `/keys/query` answers them. */
export interface KeysOfUsers {
  readonly device_keys: Record<string, Record<string, JsonObject>>
  readonly master_keys: Record<string, JsonObject>
  readonly self_signing_keys: Record<string, JsonObject>
  readonly user_signing_keys: Record<string, JsonObject>
}

/** Nothing yet. */
export const noKeys = (): KeysOfUsers => ({
  device_keys: {},
  master_keys: {},
  self_signing_keys: {},
  user_signing_keys: {},
})

/** Who reads: a local user, or another server. */
export interface Viewer {
  /** The empty string for other servers. */
  readonly userId: string
  /** Whether devices' names are told. */
  readonly withNames: boolean
}

const MEMBER = {
  master: 'master_keys',
  self_signing: 'self_signing_keys',
  user_signing: 'user_signing_keys',
} as const satisfies Record<KeyUsage, keyof KeysOfUsers>

/** Reads keys of local users with the signatures that the reader may see. */
export class LocalKeys {
  readonly #context: EncryptionContext
  readonly #users: UserReader

  constructor(context: EncryptionContext, users: UserReader) {
    this.#context = context
    this.#users = users
  }

  /** The keys of local users; users who do not exist are missing. */
  async query(wanted: WantedDevices, viewer: Viewer): Promise<KeysOfUsers> {
    const { read } = this.#context
    const userIds = [...(await this.#users.existing([...wanted.keys()]))]
    const [devices, crossSigning, signatures] = await Promise.all([
      read.deviceKeys.ofUsers(userIds),
      read.crossSigningKeys.ofUsers(userIds),
      read.signatures.visible(userIds, viewer.userId),
    ])
    const index = new SignatureIndex(signatures)
    const keys = noKeys()
    const byUser = Map.groupBy(devices, ({ userId }) => userId)
    for (const userId of userIds) {
      const only = new Set(wanted.get(userId))
      const told = (byUser.get(userId) ?? []).filter(({ deviceId }) => only.size === 0 || only.has(deviceId))
      keys.device_keys[userId] = Object.fromEntries(
        told.map(row => [row.deviceId, deviceInformation(row, index, viewer)]),
      )
    }
    addCrossSigning(keys, crossSigning, index, viewer.userId)
    return keys
  }
}

/** A device's keys as uploaded "with the addition of an `unsigned` property", which has its name. */
export const deviceInformation = (
  { userId, deviceId, json, displayName }: DeviceKeysRow,
  index: SignatureIndex,
  viewer: Viewer,
): JsonObject => {
  const uploaded = parseJson(json) as JsonObject
  const keys = index.merged(uploaded, userId, deviceId, viewer.userId)
  const isNamed = viewer.withNames && displayName !== undefined
  return { ...keys, unsigned: isNamed ? { device_display_name: displayName } : {} }
}

/** Adds cross-signing keys; user-signing keys for their owner alone. */
export const addCrossSigning = (
  keys: KeysOfUsers,
  rows: readonly CrossSigningKeyRow[],
  index: SignatureIndex,
  viewer: string,
): void => {
  for (const { userId, usage, publicKey, json } of rows) {
    if (usage === 'user_signing' && userId !== viewer) continue
    keys[MEMBER[usage]][userId] = index.merged(parseJson(json) as JsonObject, userId, publicKey, viewer)
  }
}
