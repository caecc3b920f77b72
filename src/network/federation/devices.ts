import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { type CallOptions, pathOf, type Requester } from './requester.ts'
import {
  asObject,
  integerOf,
  objectAt,
  objectsByKey,
  objectsOf,
  optionalObjectOf,
  ShapeError,
  stringOf,
} from './shape.ts'

/** A user's devices, as their server lists them. */
export interface UserDevices {
  readonly streamId: number
  readonly devices: readonly {
    readonly deviceId: string
    readonly keys: JsonObject
    readonly displayName: string | undefined
  }[]
  readonly masterKey: JsonObject | undefined
  readonly selfSigningKey: JsonObject | undefined
}

/** Keys of users, each under the user ID; of devices under user ID and device ID. */
export interface UserKeys {
  readonly deviceKeys: ReadonlyMap<string, ReadonlyMap<string, JsonObject>>
  readonly masterKeys: ReadonlyMap<string, JsonObject>
  readonly selfSigningKeys: ReadonlyMap<string, JsonObject>
}

/** User ID → device ID → `<algorithm>:<key ID>` → key. */
export type ClaimedKeys = ReadonlyMap<string, ReadonlyMap<string, JsonObject>>

const MB = 1024 * 1024
const MAX_DEVICES = 2_000

/** Keys that claim to belong to somebody else are left out: nobody may answer for another user or device. */
const belongsTo = (keys: JsonObject, userId: string, deviceId?: string): boolean =>
  keys['user_id'] === userId && (deviceId === undefined || keys['device_id'] === deviceId)

const ownKey = (response: JsonObject, name: string, userId: string): JsonObject | undefined => {
  const key = optionalObjectOf(response, name)
  return key !== undefined && belongsTo(key, userId) ? key : undefined
}

const parseUserDevices = (response: JsonObject, userId: string): UserDevices => {
  if (stringOf(response, 'user_id') !== userId) throw new ShapeError('the devices of another user')
  return {
    streamId: integerOf(response, 'stream_id'),
    devices: objectsOf(response, 'devices', MAX_DEVICES).flatMap(device => {
      const { device_id: deviceId, keys, device_display_name: name } = device
      if (typeof deviceId !== 'string' || !isJsonObject(keys) || !belongsTo(keys, userId, deviceId)) return []
      return [{ deviceId, keys, displayName: typeof name === 'string' ? name : undefined }]
    }),
    masterKey: ownKey(response, 'master_key', userId),
    selfSigningKey: ownKey(response, 'self_signing_key', userId),
  }
}

const crossSigningKeys = (response: JsonObject, name: string, users: ReadonlyMap<string, unknown>) =>
  new Map(objectsByKey(response, name).filter(([userId, key]) => users.has(userId) && belongsTo(key, userId)))

const parseUserKeys = (response: JsonObject, users: ReadonlyMap<string, readonly string[]>): UserKeys => {
  const deviceKeys = new Map<string, Map<string, JsonObject>>()
  for (const [userId, devices] of objectsByKey(response, 'device_keys')) {
    const wanted = users.get(userId)
    if (wanted === undefined) continue
    const own = objectsByKey({ devices }, 'devices')
      .filter(([deviceId]) => wanted.length === 0 || wanted.includes(deviceId))
      .filter(([deviceId, keys]) => belongsTo(keys, userId, deviceId))
    deviceKeys.set(userId, new Map(own.slice(0, MAX_DEVICES)))
  }
  return {
    deviceKeys,
    masterKeys: crossSigningKeys(response, 'master_keys', users),
    selfSigningKeys: crossSigningKeys(response, 'self_signing_keys', users),
  }
}

type Claim = ReadonlyMap<string, ReadonlyMap<string, string>>

const parseClaim = (response: JsonObject, claim: Claim): ClaimedKeys => {
  const claimed = new Map<string, Map<string, JsonObject>>()
  for (const [userId, devices] of claim) {
    const ofUser = objectAt(response, 'one_time_keys', userId)
    if (ofUser === undefined) continue
    const keys = new Map<string, JsonObject>()
    for (const [deviceId, algorithm] of devices) {
      const ofDevice = objectAt({ ofUser }, 'ofUser', deviceId)
      // One key was asked for; only the first of the right algorithm counts.
      const first = Object.entries(ofDevice ?? {}).find(([keyId]) => keyId.startsWith(`${algorithm}:`))
      if (first !== undefined) keys.set(deviceId, Object.fromEntries([first]))
    }
    if (keys.size > 0) claimed.set(userId, keys)
  }
  return claimed
}

const nested = (map: Claim): JsonObject =>
  Object.fromEntries(Array.from(map, ([outer, inner]) => [outer, Object.fromEntries(inner)]))

/** Server-server API, "Device Management", "End-to-End Encryption". Signatures are still to be verified. */
export const deviceEndpoints = ({ request }: Requester) => ({
  userDevices: (destination: string, userId: string, options: CallOptions = {}): Promise<UserDevices> =>
    request({
      ...options,
      destination,
      method: 'GET',
      path: pathOf`/_matrix/federation/v1/user/devices/${userId}`,
      maxBytes: 32 * MB,
      parse: body => parseUserDevices(asObject(body), userId),
    }),

  /** Users → their devices of interest; an empty list means all. */
  keysQuery: (
    destination: string,
    users: ReadonlyMap<string, readonly string[]>,
    options: CallOptions = {},
  ): Promise<UserKeys> =>
    request({
      ...options,
      destination,
      method: 'POST',
      path: '/_matrix/federation/v1/user/keys/query',
      body: { device_keys: Object.fromEntries(users) },
      maxBytes: 64 * MB,
      parse: body => parseUserKeys(asObject(body), users),
    }),

  /** Users → devices → the algorithm of the key wanted. Each key is given out once: never repeat this. */
  keysClaim: (destination: string, claim: Claim, options: CallOptions = {}): Promise<ClaimedKeys> =>
    request({
      ...options,
      destination,
      method: 'POST',
      path: '/_matrix/federation/v1/user/keys/claim',
      body: { one_time_keys: nested(claim) },
      maxBytes: 32 * MB,
      parse: body => parseClaim(asObject(body), claim),
    }),
})
