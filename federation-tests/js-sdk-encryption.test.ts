import test, { type ExecutionContext, registerCompletionHandler } from 'ava'
import { Preset } from 'matrix-js-sdk'
import type { SdkUser } from '../src/test-kit/js-sdk.ts'
import { type RunningTestServer, startTestServer } from '../src/test-kit/server.ts'
import {
  backedUp,
  cryptoOf,
  encryptedRoom,
  knowsDevice,
  type Login,
  loginsOf,
  type Person,
  password,
  readAll,
  restore,
  say,
  sayUnderOwnKeys,
  setUp,
  takeIdentity,
  trusts,
  trustsDevice,
} from './js-sdk-people.ts'
import { compareEmoji, nextRequest } from './js-sdk-verification.ts'

// The SDK leaves timers behind: see src/test-kit/js-sdk.ts.
registerCompletionHandler(() => process.exit())

/** The server and the people whom all tests share; each test makes rooms of its own. */
let server: RunningTestServer
let loginAlice: Login
let alice: Person
let bob: Person
const bobsNetwork = { isDown: false }

const loginsOfNew = async (t: Pick<ExecutionContext, 'teardown'>, name: string): Promise<Login> => {
  await server.register(name, password)
  return loginsOf(t, server, name)
}

test.before(async () => {
  server = await startTestServer()
  const forAll = { teardown: () => {} }
  loginAlice = await loginsOfNew(forAll, 'alice')
  const loginBob = await loginsOfNew(forAll, 'bob')
  ;[alice, bob] = await Promise.all([loginAlice(), loginBob(bobsNetwork)])
  for (const user of [alice, bob]) await setUp(user)
})

test.after.always(async () => {
  await Promise.all([alice.stop(), bob.stop()])
  await server.close()
})

test.serial('a device that logs in later reads on, and by the backup what was before', async t => {
  const roomId = await encryptedRoom(alice, bob)
  await say(roomId, bob, 'before the phone', [alice, bob])
  await backedUp(alice, 1)
  const phone = await loginAlice()
  await restore(phone)
  t.true(await cryptoOf(phone).userHasCrossSigningKeys(alice.userId, true))
  await phone.message(roomId, 'before the phone')
  await say(roomId, bob, 'after the phone', [alice, phone, bob])
  await say(roomId, phone, 'from the phone', [alice, bob, phone])

  await phone.client.logout()
  await say(roomId, alice, 'without the phone', [alice, bob])
  await knowsDevice(bob, phone, false)
})

test.serial('devices and people verify each other', async t => {
  const phone = await loginAlice()
  t.teardown(() => phone.stop())
  await knowsDevice(alice, phone)
  const toPhone = nextRequest(phone)
  const asked = await cryptoOf(alice).requestDeviceVerification(alice.userId, phone.deviceId)
  await compareEmoji(asked, toPhone)
  await trustsDevice(alice, phone)

  const roomId = await encryptedRoom(alice, bob)
  await say(roomId, alice, 'hello', [alice, bob])
  const toBob = nextRequest(bob)
  const askedBob = await cryptoOf(alice).requestVerificationDM(bob.userId, roomId)
  await compareEmoji(askedBob, toBob)
  await Promise.all([trusts(alice, bob), trusts(bob, alice)])
  const status = await cryptoOf(alice).getUserVerificationStatus(bob.userId)
  t.true(status.isCrossSigningVerified())
})

test.serial('whoever is invited reads what was before, whoever comes uninvited what is after', async t => {
  const [carol, dave] = await Promise.all(['carol', 'dave'].map(async name => (await loginsOfNew(t, name))()))
  if (carol === undefined || dave === undefined) throw new Error('nobody came')
  for (const user of [carol, dave]) await setUp(user)
  const roomId = await encryptedRoom(alice, bob, Preset.PublicChat)
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

test.serial('a dehydrated device receives keys while nobody is logged in, and hands them on', async t => {
  const loginErin = await loginsOfNew(t, 'erin')
  const erin = await loginErin()
  await setUp(erin)
  t.true(await cryptoOf(erin).isDehydrationSupported())
  await cryptoOf(erin).startDehydration()
  const roomId = await encryptedRoom(bob, erin)
  await say(roomId, bob, 'see you', [bob, erin])
  await erin.client.logout()
  await knowsDevice(bob, erin, false)
  await say(roomId, bob, 'while you are away', [bob])

  const tablet = await loginErin()
  await takeIdentity(tablet)
  await cryptoOf(tablet).startDehydration({ rehydrate: true })
  const event = await tablet.message(roomId, 'while you are away')
  t.false(event.isDecryptionFailure())
})

test.serial('who was away for a while decrypts everything that was said', async t => {
  const rooms: string[] = []
  for (let count = 0; count < 3; count++) rooms.push(await encryptedRoom(alice, bob))
  const textsOf = (roomId: string) => Array.from({ length: 40 }, (_, index) => `${index} in ${roomId}`)
  bobsNetwork.isDown = true
  for (const roomId of rooms) await sayUnderOwnKeys(roomId, alice, textsOf(roomId))
  bobsNetwork.isDown = false
  bob.client.retryImmediately()
  for (const roomId of rooms) await t.notThrowsAsync(readAll(roomId, bob, textsOf(roomId)))
})
