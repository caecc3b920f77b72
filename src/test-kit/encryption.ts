/** Devices and identities that sign, without a cryptographic library: for tests of what a server does with keys. */
import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../core/json.ts'
import { type SigningKey, signingKeyFromSeed, signJson } from '../core/signing.ts'
import type { RunningTestServer, TestAccount } from './server.ts'

/** A device that talks to a server under test. */
export interface TestDevice extends TestAccount {
  /** Signs as `ed25519:<device ID>`. */
  readonly key: SigningKey
  /** Sends a request below `/_matrix/client/v3`; answers the body, whatever the status. */
  call(method: string, path: string, json?: unknown): Promise<Body>
  /** `/sync` without waiting. */
  sync(since?: string): Promise<Body>
}

/** A response's body as tests read it. */
// biome-ignore lint/suspicious/noExplicitAny: tests say what they expect by reading it
export type Body = any

/** Wraps an account's session. */
export const testDevice = (server: RunningTestServer, account: TestAccount): TestDevice => {
  const call = async (method: string, path: string, json?: unknown): Promise<Body> => {
    const target = path.startsWith('/_matrix') ? path : `/_matrix/client/v3${path}`
    const response = await server.request(method, target, {
      token: account.accessToken,
      ...(json === undefined ? {} : { json }),
    })
    return response.body
  }
  return {
    ...account,
    key: signingKeyFromSeed(`ed25519:${account.deviceId}`, randomBytes(32)),
    call,
    sync: since => call('GET', since === undefined ? '/sync' : `/sync?since=${since}`),
  }
}

/** Makes an account with one device. */
export const registered = async (server: RunningTestServer, username: string): Promise<TestDevice> =>
  testDevice(server, await server.register(username))

/** A device's identity keys, signed by itself. */
export const identityKeys = ({ userId, deviceId, key }: TestDevice): JsonObject =>
  signJson(
    {
      user_id: userId,
      device_id: deviceId,
      algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
      keys: { [key.keyId]: key.publicKey, [`curve25519:${deviceId}`]: key.publicKey },
    },
    userId,
    key,
  )

/** A signed one-time key of a device. */
export const oneTimeKey = ({ userId, key }: TestDevice, name: string, more: JsonObject = {}): JsonObject =>
  signJson({ key: Buffer.from(name.padEnd(32, '.')).toString('base64url'), ...more }, userId, key)

/** Keys of the names, as `/keys/upload` takes them. */
export const oneTimeKeys = (device: TestDevice, names: readonly string[]): JsonObject =>
  Object.fromEntries(names.map(name => [`signed_curve25519:${name}`, oneTimeKey(device, name)]))

/** A cross-signing identity: its keys, and what is uploaded. */
export interface TestIdentity {
  readonly master: SigningKey
  readonly selfSigning: SigningKey
  readonly userSigning: SigningKey
  readonly upload: {
    readonly master_key: JsonObject
    readonly self_signing_key: JsonObject
    readonly user_signing_key: JsonObject
  }
}

/** A key named by its own public part, as cross-signing keys are. */
const ownNamed = (): SigningKey => {
  const seed = randomBytes(32)
  return signingKeyFromSeed(`ed25519:${signingKeyFromSeed('ed25519:x', seed).publicKey}`, seed)
}

/** A new identity of a user. */
export const testIdentity = (userId: string): TestIdentity => {
  const [master, selfSigning, userSigning] = [ownNamed(), ownNamed(), ownNamed()]
  const keyObject = (usage: string, key: SigningKey): JsonObject => ({
    user_id: userId,
    usage: [usage],
    keys: { [key.keyId]: key.publicKey },
  })
  return {
    master,
    selfSigning,
    userSigning,
    upload: {
      master_key: keyObject('master', master),
      self_signing_key: signJson(keyObject('self_signing', selfSigning), userId, master),
      user_signing_key: signJson(keyObject('user_signing', userSigning), userId, master),
    },
  }
}
