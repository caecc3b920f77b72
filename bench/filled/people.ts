import { NO_RULES } from '../../src/core/push-rules/rule.ts'
import { signingKeyFromSeed, signJson } from '../../src/core/signing.ts'
import { DEFAULT_PASSWORD_OPTIONS, Passwords } from '../../src/services/accounts/passwords.ts'
import { AccountDataWriter } from '../../src/storage/accounts/account-data.ts'
import { DeviceWriter } from '../../src/storage/accounts/devices.ts'
import { ProfileWriter } from '../../src/storage/accounts/profiles.ts'
import { UserWriter } from '../../src/storage/accounts/user-writer.ts'
import type { WriteStatement } from '../../src/storage/database.ts'
import { DeviceKeysWriter } from '../../src/storage/encryption/device-keys.ts'
import { DeviceListWriter } from '../../src/storage/encryption/device-list-writer.ts'
import { OneTimeKeyWriter } from '../../src/storage/encryption/one-time-keys.ts'
import { PushRulesWriter } from '../../src/storage/push/push-rules.ts'
import { DEVICE, displayName, PASSWORD, userId, type World } from './world.ts'

/** Every third account has a second device. */
const TWO_DEVICES = 3
/** Every tenth has rules of their own. */
const OWN_RULES = 10

/** Makes the accounts with their devices, keys, account data and push rules. All have the same password. */
export const makePeople = async (world: World): Promise<void> => {
  const { database, scale, pace, clock } = world
  const passwordHash = await new Passwords(DEFAULT_PASSWORD_OPTIONS).hash(PASSWORD)
  const write = {
    users: new UserWriter(database),
    profiles: new ProfileWriter(database),
    data: new AccountDataWriter(database),
    rules: new PushRulesWriter(database),
  }
  const encrypt = deviceStatements(world)
  for (let user = 0; user < scale.users; user++) {
    const id = userId(world, user)
    const account = { userId: id, passwordHash, kind: 'user', isAdmin: user === 0 } as const
    const statements = [
      write.users.insert({ ...account, createdTs: clock.now() }),
      write.profiles.insert(id, displayName(user)),
      write.data.set(id, '', 'm.direct', '{}'),
      write.data.set(id, '', 'im.vector.setting.breadcrumbs', '{"recent_rooms":[]}', 1),
      ...devicesOf(user).flatMap((deviceId, offset) => encrypt(id, deviceId, offset)),
    ]
    await pace.add(database.commit({ statements }))
    if (user % OWN_RULES === 0) {
      const rules = JSON.stringify({ ...NO_RULES, defaults: { '.m.rule.reaction': { enabled: true } } })
      await pace.add(database.commit({ statements: [write.rules.set(id, rules, undefined)] }))
    }
    pace.show(user, scale.users)
  }
}

/** The IDs of a user's devices. */
export const devicesOf = (user: number): string[] =>
  user % TWO_DEVICES === 0 ? [DEVICE, `${DEVICE}2`] : [DEVICE]

type OfDevice = (userId: string, deviceId: string, offset: number) => WriteStatement[]

/** Making a key takes longer than all else that a device has. */
const IDENTITIES = 16

/** A device with its identity keys and one-time keys, of random bytes, honestly signed. */
const deviceStatements = ({ database, random, clock, scale }: World): OfDevice => {
  const devices = new DeviceWriter(database)
  const keys = new DeviceKeysWriter(database)
  const oneTime = new OneTimeKeyWriter(database)
  const lists = new DeviceListWriter(database)
  const bytes = () => Buffer.from(Array.from({ length: 32 }, () => random.below(256)))
  const base64 = () => bytes().toString('base64').replace('=', '')
  const identities = Array.from({ length: IDENTITIES }, () => signingKeyFromSeed('ed25519:1', bytes()))
  return (userId, deviceId, offset) => {
    const key = { ...random.pick(identities), keyId: `ed25519:${deviceId}` }
    const identity = signJson(
      {
        ...{ user_id: userId, device_id: deviceId },
        algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
        keys: { [`curve25519:${deviceId}`]: base64(), [key.keyId]: key.publicKey },
      },
      userId,
      key,
    )
    const { signatures = {} } = identity
    const uploaded = Array.from({ length: scale.keys }, (_, index) => ({
      algorithm: 'signed_curve25519',
      keyId: `AAAA${index}`,
      json: JSON.stringify({ key: base64(), signatures }),
    }))
    return [
      devices.insert(userId, deviceId, 'Bench', clock.now()),
      keys.set(userId, deviceId, JSON.stringify(identity)),
      oneTime.insert(userId, deviceId, uploaded),
      lists.insert(userId, [deviceId], clock.end, offset),
    ]
  }
}
