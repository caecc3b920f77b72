/** People with encrypting clients, for tests and scripts alike: what they set up once, and what they do then. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import {
  Direction,
  EventType,
  type IEvent,
  type MatrixClient,
  MatrixError,
  type MatrixEvent,
  Preset,
  type UIAuthCallback,
} from 'matrix-js-sdk'
import type { CryptoApi } from 'matrix-js-sdk/lib/crypto-api/index.js'
import { eventually } from '../src/test-kit/eventually.ts'
import { type SdkUser, startSdkUser } from '../src/test-kit/js-sdk.ts'

export const password = 'correct horse battery staple'

/** The algorithm of encrypted rooms, the only one in use. */
export const megolm = 'm.megolm.v1.aes-sha2'

/** Where what is started is stopped at the end. */
export type Scope = Pick<ExecutionContext, 'teardown'>

/** A device of somebody who remembers the key of their secret storage. */
export interface Person extends SdkUser {
  readonly deviceId: string
  readonly storageKey: Buffer
}

/** Logs in one more device of a user; while `network` is down, it reaches nobody. */
export type Login = (network?: { isDown: boolean }) => Promise<Person>

/** Logs in devices that share the key of one secret storage, as if the user typed it in. */
export const loginsOf = (scope: Scope, server: { readonly url: string }, name: string): Login => {
  const storageKey = randomBytes(32)
  return async network => {
    const user = await startSdkUser(server.url, name, password, {
      ...(network === undefined ? {} : { network }),
      cryptoCallbacks: {
        getSecretStorageKey: async ({ keys }) => {
          const [keyId = ''] = Object.keys(keys)
          return [keyId, Uint8Array.from(storageKey)]
        },
      },
    })
    scope.teardown(() => user.stop())
    return { ...user, deviceId: user.client.getDeviceId() ?? '', storageKey }
  }
}

/** The cryptography of a client that encrypts. */
export const cryptoOf = ({ client }: SdkUser): CryptoApi => {
  const crypto = client.getCrypto()
  if (crypto === undefined) throw new Error('this client does not encrypt')
  return crypto
}

/** The first identity of a user needs no second authentication. */
const unasked: UIAuthCallback<void> = makeRequest => makeRequest(null)

/** What a client does all the same, for servers that ask: it gives the password. */
export const byPassword =
  ({ userId }: Person): UIAuthCallback<void> =>
  async makeRequest => {
    try {
      await makeRequest(null)
    } catch (error) {
      if (!(error instanceof MatrixError) || error.httpStatus !== 401) throw error
      const session = String(error.data['session'])
      const identifier = { type: 'm.id.user', user: userId }
      await makeRequest({ type: 'm.login.password', identifier, password, session })
    }
  }

/** Sets up everything that a user sets up once: identity, secret storage, backup. */
export const setUp = async (user: Person, authenticate = unasked): Promise<void> => {
  const crypto = cryptoOf(user)
  await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: authenticate })
  await crypto.bootstrapSecretStorage({
    createSecretStorageKey: async () => ({ privateKey: Uint8Array.from(user.storageKey) }),
    setupNewSecretStorage: true,
    setupNewKeyBackup: true,
  })
}

/** Makes an encrypted room; the other is invited, joins, and both know all of it. */
export const encryptedRoom = async (
  alice: SdkUser,
  bob: SdkUser,
  preset = Preset.PrivateChat,
): Promise<string> => {
  const { room_id: roomId } = await alice.client.createRoom({
    preset,
    initial_state: [{ type: EventType.RoomEncryption, state_key: '', content: { algorithm: megolm } }],
  })
  await alice.client.invite(roomId, bob.userId)
  await bob.membership(roomId, 'invite')
  await bob.client.joinRoom(roomId)
  await bob.membership(roomId, 'join')
  await alice.membership(roomId, 'join', bob.userId)
  for (const user of [alice, bob]) {
    await user.until('the state of the encrypted room', (client: MatrixClient) =>
      client.getRoom(roomId)?.hasEncryptionStateEvent() ? true : undefined,
    )
  }
  return roomId
}

/** Says something; everybody there decrypts it. */
export const say = async (
  roomId: string,
  from: SdkUser,
  text: string,
  to: readonly SdkUser[],
): Promise<void> => {
  await from.client.sendTextMessage(roomId, text)
  const received = await Promise.all(to.map(user => user.message(roomId, text)))
  for (const event of received) assert.equal(event.getWireType(), EventType.RoomMessageEncrypted)
}

/** Says things, each under a session of its own, so that a key has to arrive for each. */
export const sayUnderOwnKeys = async (
  roomId: string,
  from: SdkUser,
  texts: readonly string[],
): Promise<void> => {
  for (const text of texts) {
    await from.client.sendTextMessage(roomId, text)
    await cryptoOf(from).forceDiscardSession(roomId)
  }
}

/** Waits for the last of some messages; resolves once the history holds all of them, and each decrypts. */
export const readAll = async (roomId: string, user: SdkUser, texts: readonly string[]): Promise<void> => {
  await user.message(roomId, texts.at(-1) ?? '')
  let [missing, unread] = [texts, 0]
  // What a server has missed it may fetch from others while it answers already.
  await eventually('the history is whole', async () => {
    const history = await historyOf(roomId, user)
    const read = new Set(history.map(event => event.getContent()['body']))
    missing = texts.filter(text => !read.has(text))
    unread = history.filter(event => event.isDecryptionFailure()).length
    return missing.length === 0
  }).catch(error => {
    throw new Error(`${missing.length} messages are missing, ${unread} do not decrypt`, { cause: error })
  })
}

/** Everything that is said in a room, newest first, decrypted as far as the client can. */
const historyOf = async (roomId: string, { client }: SdkUser): Promise<MatrixEvent[]> => {
  const history: MatrixEvent[] = []
  let from: string | null = null
  do {
    const page: { chunk: Partial<IEvent>[]; end?: string } = await client.createMessagesRequest(
      roomId,
      from,
      100,
      Direction.Backward,
    )
    history.push(...page.chunk.map(client.getEventMapper({ preventReEmit: true, decrypt: false })))
    from = page.end ?? null
  } while (from !== null)
  for (const event of history) await client.decryptEventIfNeeded(event)
  return history
}

/** Resolves once the backup holds so many keys. */
export const backedUp = async (user: SdkUser, count: number): Promise<void> => {
  await eventually('the keys are in the backup', async () => {
    // It asks the server each time, where `getKeyBackupInfo` answers what it has heard last.
    const check = await cryptoOf(user).checkKeyBackupAndEnable()
    return (check?.backupInfo.count ?? 0) >= count
  })
}

/** A new device takes the identity from the storage on the server, and is signed by it. */
export const takeIdentity = async (phone: Person): Promise<void> => {
  assert.ok(await cryptoOf(phone).userHasCrossSigningKeys(phone.userId, true))
  await cryptoOf(phone).bootstrapCrossSigning({})
}

/** The same, and it restores the backup. */
export const restore = async (phone: Person): Promise<void> => {
  const crypto = cryptoOf(phone)
  await takeIdentity(phone)
  await crypto.loadSessionBackupPrivateKeyFromSecretStorage()
  const { imported, total } = await crypto.restoreKeyBackup()
  assert.ok(total > 0)
  assert.equal(imported, total)
  await trustsDevice(phone, phone)
}

/** Resolves once somebody knows of a device, or no longer. */
export const knowsDevice = (
  user: SdkUser,
  { userId, deviceId }: { readonly userId: string; readonly deviceId: string },
  isThere = true,
): Promise<void> =>
  eventually(`${userId} ${deviceId} is ${isThere ? 'known' : 'forgotten'}`, async () => {
    const devices = await cryptoOf(user).getUserDeviceInfo([userId], true)
    return (devices.get(userId)?.has(deviceId) ?? false) === isThere
  })

/** Resolves once somebody trusts the identity of another. */
export const trusts = (one: SdkUser, other: SdkUser): Promise<void> =>
  eventually(`${one.userId} trusts ${other.userId}`, async () => {
    const status = await cryptoOf(one).getUserVerificationStatus(other.userId)
    return status.isCrossSigningVerified()
  })

/** Resolves once somebody takes a device for one of its user, since their identity has signed it. */
export const trustsDevice = (
  one: SdkUser,
  { userId, deviceId }: { readonly userId: string; readonly deviceId: string },
): Promise<void> =>
  eventually(`${one.userId} trusts ${deviceId} of ${userId}`, async () => {
    const status = await cryptoOf(one).getDeviceVerificationStatus(userId, deviceId)
    return status?.crossSigningVerified === true
  })

/** Makes an account on any server where registration is open. */
export const register = async (url: string, username: string): Promise<void> => {
  const response = await fetch(`${url}/_matrix/client/v3/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password, auth: { type: 'm.login.dummy' }, inhibit_login: true }),
  })
  if (!response.ok) throw new Error(await response.text())
}
