import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext, registerCompletionHandler } from 'ava'
import { EventType, type MatrixClient, Preset } from 'matrix-js-sdk'
import { eventually } from '../src/test-kit/eventually.ts'
import { type SdkUser, startSdkUser } from '../src/test-kit/js-sdk.ts'
import { type RunningTestServer, startTestServer } from '../src/test-kit/server.ts'
import { inviteAndJoin, megolm, password, talkEncrypted, twoPeopleTalk } from './js-sdk-scenario.ts'
import { compareEmoji, cryptoOf, nextRequest } from './js-sdk-verification.ts'

// The SDK leaves timers behind: see src/test-kit/js-sdk.ts.
registerCompletionHandler(() => process.exit())

const started = async (t: ExecutionContext): Promise<RunningTestServer> => {
  const server = await startTestServer()
  t.teardown(server.close)
  return server
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

const encryptedRoom = async (
  t: ExecutionContext,
  alice: SdkUser,
  bob: SdkUser,
  preset = Preset.PrivateChat,
): Promise<string> => {
  const { room_id: roomId } = await alice.client.createRoom({
    preset,
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

/** Resolves once the backup holds so many keys. */
const backedUp = async (user: SdkUser, count: number): Promise<void> => {
  await eventually('the keys are in the backup', async () => {
    // It asks the server each time, where `getKeyBackupInfo` answers what it has heard last.
    const check = await cryptoOf(user).checkKeyBackupAndEnable()
    return (check?.backupInfo.count ?? 0) >= count
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
  await say(roomId, bob, 'before the phone', [alice, bob])
  await backedUp(alice, 1)

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

test('devices and people verify each other', async t => {
  const server = await started(t)
  for (const name of ['alice', 'bob']) await server.register(name, password)
  const loginAlice = deviceOf(t, server, 'alice')
  const [alice, bob] = [await loginAlice(), await deviceOf(t, server, 'bob')()]
  for (const user of [alice, bob]) await setUp(user)
  const phone = await loginAlice()
  const phoneId = phone.client.getDeviceId() ?? ''
  await alice.until('the keys of the phone', () => true)
  await eventually('the phone is known', async () => {
    const devices = await cryptoOf(alice).getUserDeviceInfo([alice.userId], true)
    return devices.get(alice.userId)?.has(phoneId) === true
  })
  const toPhone = nextRequest(phone)
  const asked = await cryptoOf(alice).requestDeviceVerification(alice.userId, phoneId)
  await compareEmoji(t, asked, await toPhone)
  await eventually('the phone is signed', async () => {
    const status = await cryptoOf(alice).getDeviceVerificationStatus(alice.userId, phoneId)
    return status?.crossSigningVerified === true
  })

  const roomId = await encryptedRoom(t, alice, bob)
  await say(roomId, alice, 'hello', [alice, bob])
  const toBob = nextRequest(bob)
  const askedBob = await cryptoOf(alice).requestVerificationDM(bob.userId, roomId)
  await compareEmoji(t, askedBob, await toBob)
  for (const [one, other] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    await eventually(`${one.userId} trusts ${other.userId}`, async () => {
      const status = await cryptoOf(one).getUserVerificationStatus(other.userId)
      return status.isCrossSigningVerified()
    })
  }
})

test('whoever is invited reads what was before, whoever comes uninvited what is after', async t => {
  const server = await started(t)
  for (const name of ['alice', 'bob', 'carol', 'dave']) await server.register(name, password)
  const [alice, bob, carol, dave] = [
    await deviceOf(t, server, 'alice')(),
    await deviceOf(t, server, 'bob')(),
    await deviceOf(t, server, 'carol')(),
    await deviceOf(t, server, 'dave')(),
  ]
  for (const user of [alice, bob, carol, dave]) await setUp(user)
  const roomId = await encryptedRoom(t, alice, bob, Preset.PublicChat)
  await say(roomId, bob, 'before', [alice, bob])
  const before = (await alice.message(roomId, 'before')).getId() ?? ''
  // The client of who invites shares the keys of what the invited person may see.
  await alice.client.invite(roomId, carol.userId)
  await carol.membership(roomId, 'invite')
  await carol.client.joinRoom(roomId, { acceptSharedHistory: true })
  await dave.client.joinRoom(roomId)
  for (const user of [alice, bob, carol, dave]) {
    await user.membership(roomId, 'join', carol.userId)
    await user.membership(roomId, 'join', dave.userId)
  }
  await say(roomId, alice, 'after', [alice, bob, carol, dave])
  await carol.message(roomId, 'before')
  const reads = async ({ client }: SdkUser): Promise<boolean> => {
    const event = client.getEventMapper()(await client.fetchRoomEvent(roomId, before))
    await client.decryptEventIfNeeded(event)
    return event.getContent()['body'] === 'before'
  }
  t.deepEqual(await Promise.all([alice, bob, carol, dave].map(reads)), [true, true, true, false])
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
    Array.from({ length: 40 }, (_, index) => ({ roomId, text: `${index} in ${roomId}` })),
  )
  for (const { roomId, text } of texts) {
    await alice.client.sendTextMessage(roomId, text)
    // Each message under a session of its own, so that each key has to arrive.
    await cryptoOf(alice).forceDiscardSession(roomId)
  }
  network.isDown = false
  bob.client.retryImmediately()
  for (const roomId of rooms) {
    await bob.message(roomId, texts.findLast(each => each.roomId === roomId)?.text ?? '')
    const room = bob.client.getRoom(roomId)
    if (room !== null) await bob.client.scrollback(room, 50)
  }
  for (const { roomId, text } of texts) t.is((await bob.message(roomId, text)).isDecryptionFailure(), false)
})
