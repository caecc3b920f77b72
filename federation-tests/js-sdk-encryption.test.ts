import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext, registerCompletionHandler } from 'ava'
import { EventType, type MatrixClient, Preset } from 'matrix-js-sdk'
import { type CryptoApi, CryptoEvent } from 'matrix-js-sdk/lib/crypto-api/index.js'
import { type SdkUser, startSdkUser } from '../src/test-kit/js-sdk.ts'
import { type RunningTestServer, startTestServer } from '../src/test-kit/server.ts'
import { inviteAndJoin, megolm, password, talkEncrypted, twoPeopleTalk } from './js-sdk-scenario.ts'

// The SDK leaves timers behind: see src/test-kit/js-sdk.ts.
registerCompletionHandler(() => process.exit())

const started = async (t: ExecutionContext): Promise<RunningTestServer> => {
  const server = await startTestServer()
  t.teardown(server.close)
  return server
}

const cryptoOf = ({ client }: SdkUser): CryptoApi => {
  const crypto = client.getCrypto()
  if (crypto === undefined) throw new Error('this client does not encrypt')
  return crypto
}

/** Logs in devices that share the key of one secret storage, as if the user typed it in. */
const deviceOf = (t: ExecutionContext, server: RunningTestServer, name: string) => {
  const key = randomBytes(32)
  return async (network?: { isDown: boolean }): Promise<SdkUser> => {
    const user = await startSdkUser(server.url, name, password, {
      ...(network === undefined ? {} : { network }),
      cryptoCallbacks: {
        getSecretStorageKey: async ({ keys }) => {
          const [keyId = ''] = Object.keys(keys)
          return [keyId, Uint8Array.from(key)]
        },
      },
    })
    t.teardown(() => user.stop())
    Object.assign(user, { key })
    return user
  }
}

/** Sets up everything that a user sets up once: identity, secret storage, backup. */
const setUp = async (user: SdkUser): Promise<void> => {
  const { key } = user as SdkUser & { key: Buffer }
  const crypto = cryptoOf(user)
  await crypto.bootstrapCrossSigning({
    // The first identity of a user needs no second authentication.
    authUploadDeviceSigningKeys: async makeRequest => void (await makeRequest(null)),
  })
  await crypto.bootstrapSecretStorage({
    createSecretStorageKey: async () => ({ privateKey: Uint8Array.from(key) }),
    setupNewSecretStorage: true,
    setupNewKeyBackup: true,
  })
}

const encryptedRoom = async (t: ExecutionContext, alice: SdkUser, bob: SdkUser): Promise<string> => {
  const { room_id: roomId } = await alice.client.createRoom({
    preset: Preset.PrivateChat,
    initial_state: [{ type: EventType.RoomEncryption, state_key: '', content: { algorithm: megolm } }],
  })
  await inviteAndJoin(t, roomId, alice, bob, 'quietly')
  await alice.membership(roomId, 'join', bob.userId)
  for (const user of [alice, bob]) {
    await user.until('the state of the encrypted room', (client: MatrixClient) =>
      client.getRoom(roomId)?.hasEncryptionStateEvent() ? true : undefined,
    )
  }
  return roomId
}

/** Says something; everybody there decrypts it. */
const say = async (roomId: string, from: SdkUser, text: string, to: readonly SdkUser[]): Promise<void> => {
  await from.client.sendTextMessage(roomId, text)
  await Promise.all(to.map(user => user.message(roomId, text)))
}

/** Resolves once all room keys of a device are in the backup. */
const backedUp = async (user: SdkUser): Promise<void> => {
  const crypto = cryptoOf(user)
  await new Promise<void>(resolve => {
    user.client.on(CryptoEvent.KeyBackupSessionsRemaining, remaining => {
      if (remaining === 0) resolve()
    })
    void crypto.checkKeyBackupAndEnable()
  })
}

test('two people talk encrypted', async t => {
  const server = await started(t)
  const register = async (username: string, secret: string) => void (await server.register(username, secret))
  await twoPeopleTalk(t, { baseUrl: server.url, register }, [talkEncrypted])
})

test('a device that logs in later reads on, and by the backup what was before', async t => {
  const server = await started(t)
  for (const name of ['alice', 'bob']) await server.register(name, password)
  const loginAlice = deviceOf(t, server, 'alice')
  const [alice, bob] = [await loginAlice(), await deviceOf(t, server, 'bob')()]
  await setUp(alice)
  const roomId = await encryptedRoom(t, alice, bob)
  const done = backedUp(alice)
  await say(roomId, bob, 'before the phone', [alice, bob])
  await done

  const phone = await loginAlice()
  const crypto = cryptoOf(phone)
  // The secrets come from the storage on the server; the phone then is signed by the identity.
  t.true(await crypto.userHasCrossSigningKeys(alice.userId, true))
  await crypto.bootstrapCrossSigning({})
  await crypto.loadSessionBackupPrivateKeyFromSecretStorage()
  const { imported, total } = await crypto.restoreKeyBackup()
  t.true(total > 0)
  t.is(imported, total)
  t.true(await crypto.userHasCrossSigningKeys(alice.userId, true))
  const status = await crypto.getDeviceVerificationStatus(alice.userId, phone.client.getDeviceId() ?? '')
  t.true(status?.crossSigningVerified)
  await phone.message(roomId, 'before the phone')

  await say(roomId, bob, 'after the phone', [alice, phone, bob])
  await say(roomId, phone, 'from the phone', [alice, bob, phone])

  const removed = phone.client.getDeviceId() ?? ''
  await phone.client.logout()
  await say(roomId, alice, 'without the phone', [alice, bob])
  const devices = await cryptoOf(bob).getUserDeviceInfo([alice.userId], true)
  t.false(devices.get(alice.userId)?.has(removed))
})

test('who was away for a while decrypts everything that was said', async t => {
  const server = await started(t)
  for (const name of ['alice', 'bob']) await server.register(name, password)
  const network = { isDown: false }
  const [alice, bob] = [await deviceOf(t, server, 'alice')(), await deviceOf(t, server, 'bob')(network)]
  const rooms: string[] = []
  for (let count = 0; count < 3; count++) rooms.push(await encryptedRoom(t, alice, bob))
  network.isDown = true
  const texts = rooms.flatMap(roomId =>
    Array.from({ length: 4 }, (_, index) => ({ roomId, text: `${index} in ${roomId}` })),
  )
  for (const { roomId, text } of texts) {
    await alice.client.sendTextMessage(roomId, text)
    // Each message under a session of its own, so that each key has to arrive.
    await cryptoOf(alice).forceDiscardSession(roomId)
  }
  network.isDown = false
  bob.client.retryImmediately()
  for (const { roomId, text } of texts) t.is((await bob.message(roomId, text)).isDecryptionFailure(), false)
})
