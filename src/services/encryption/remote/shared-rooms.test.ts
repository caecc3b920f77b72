import test, { type ExecutionContext } from 'ava'
import type { JsonObject } from '../../../core/json.ts'
import { FederationError } from '../../../network/federation-client.ts'
import type { WriteSet } from '../../../storage/database.ts'
import { DeviceKeysWriter } from '../../../storage/encryption/device-keys.ts'
import { testDatabase } from '../../../test-kit/database.ts'
import { testIdentity } from '../../../test-kit/encryption.ts'
import {
  addDevice,
  addUser,
  type CryptoServer,
  EncryptionWorld,
  plainKeys,
  removeDevice,
} from '../../../test-kit/encryption-world.ts'
import { eventually } from '../../../test-kit/eventually.ts'
import { losingAnswers } from '../../../test-kit/lost-answers.ts'
import { newRoom } from '../../../test-kit/rooms.ts'

const [ALICE, AVA, BOB, BERT, CAROL] = [
  '@alice:a.test',
  '@ava:a.test',
  '@bob:b.test',
  '@bert:b.test',
  '@carol:c.test',
]

/** Two servers; what the second is told of devices, and a way to make rooms on either. */
const world = async (t: ExecutionContext) => {
  const servers = new EncryptionWorld(t)
  let [loseNext, hasLost] = [false, false]
  /** Once, what a follower of `a` has stored is stored, and it hears that the database is gone. */
  const isLost = ({ statements }: WriteSet): boolean => {
    const isIntroduction = statements.length > 1 && statements.some(({ guard }) => guard?.name === 'followed')
    if (!loseNext || !isIntroduction) return false
    loseNext = false
    hasLost = true
    return true
  }
  const database = losingAnswers(await testDatabase(t), isLost)
  const a = await servers.start('a.test', { database })
  const b = await servers.start('b.test')
  const told: JsonObject[] = []
  for (const type of ['m.device_list_update', 'm.signing_key_update']) {
    b.federation.transactions.onEdu(type, async (_, content) => void told.push(content))
  }
  await addUser(a, ALICE)
  for (const deviceId of ['D1', 'D2']) {
    await addDevice(a, ALICE, deviceId)
    const upload = { device_keys: plainKeys(ALICE, deviceId, deviceId) }
    await a.encryption.deviceKeys.upload(ALICE, deviceId, upload)
  }
  const { master_key: master } = testIdentity(ALICE).upload
  await a.encryption.crossSigning.store(ALICE, await a.encryption.crossSigning.check(ALICE, { master }))
  const makeRoom = ({ rooms }: CryptoServer, creator: string): Promise<string> =>
    rooms.roomCreation.create(newRoom(rooms, creator, { preset: 'public_chat' }), { isDirect: false })
  const whatWasTold = () =>
    told.map(({ device_id: deviceId, master_key: key }) => deviceId ?? (key && 'identity')).toSorted()
  /** Lets somebody join; answers what b was told because of it. */
  const join = async ({ rooms }: CryptoServer, userId: string, roomId: string) => {
    told.length = 0
    await rooms.memberships.join({ userId, roomId, via: ['a.test', 'b.test'] })
    await servers.settle()
    return whatWasTold()
  }
  /** The same, where the follower of `a` does not know whether it has stored the introduction, and `a` starts anew. */
  const joinUnheard = async ({ rooms }: CryptoServer, userId: string, roomId: string) => {
    told.length = 0
    loseNext = true
    await rooms.memberships.join({ userId, roomId, via: ['a.test', 'b.test'] })
    await eventually('an answer is lost', () => hasLost)
    await servers.restart('a.test')
    await servers.settle()
    return whatWasTold()
  }
  return { servers, a, b, told, makeRoom, join, joinUnheard }
}

const EVERYTHING = ['D1', 'D2', 'identity']

test('a user who joins is introduced to servers that know nothing of them', async t => {
  const { a, b, told, makeRoom, join } = await world(t)
  t.deepEqual(await join(a, ALICE, await makeRoom(b, BOB)), EVERYTHING)
  const [first, second] = told.filter(content => content['device_id'] !== undefined)
  // A server that has got the change before this one takes in no more than the first of the number.
  t.like(first, { user_id: ALICE, prev_id: [3], stream_id: 4, keys: plainKeys(ALICE, 'D2', 'D2') })
  t.is(second?.['stream_id'], 4, 'both are parts of what the newest change left')
  t.deepEqual(await join(a, ALICE, await makeRoom(b, BOB)), [], 'a second room of that server is no news')
})

test('keys that cannot be told to others keep nobody waiting', async t => {
  const { servers, a, told, makeRoom, join } = await world(t)
  await addUser(a, AVA)
  await addDevice(a, AVA, 'ODD')
  const { database, encryption } = a
  const odd = JSON.stringify({ ...plainKeys(AVA, 'ODD', 'ODD'), oddity: '\ud800' })
  // As earlier versions took them.
  await database.commit({ statements: [new DeviceKeysWriter(database).set(AVA, 'ODD', odd)] })
  const roomId = await makeRoom(a, ALICE)
  await join(a, AVA, roomId)
  await join(servers.server('b.test'), BOB, roomId)
  told.length = 0
  for (const [userId, deviceId] of [
    [AVA, 'ODD'],
    [ALICE, 'D1'],
  ] as const) {
    await database.commit({ statements: encryption.onDevicesChange(userId, { renamed: [deviceId] }) })
  }
  await servers.settle()
  t.deepEqual(
    told.map(content => content['device_id']),
    ['D1'],
  )
})

test('a server whose first user joins is told of who is there', async t => {
  const { a, b, makeRoom, join } = await world(t)
  const roomId = await makeRoom(a, ALICE)
  t.deepEqual(await join(b, BOB, roomId), EVERYTHING)
  t.deepEqual(await join(b, BERT, roomId), [], 'the server is there already')
  await b.rooms.memberships.leave({ userId: BOB, roomId })
  t.deepEqual(await join(b, BOB, roomId), [], 'and has stayed')
  for (const userId of [BOB, BERT]) await b.rooms.memberships.leave({ userId, roomId })
  const { companions } = a.encryption.context.read
  await eventually('they are gone', async () => !(await companions.hostsOf(ALICE)).includes('b.test'))
  t.deepEqual(await join(b, BERT, roomId), EVERYTHING, 'whoever was away may have missed something')
})

test('a user whose leave others have not heard of is introduced anew when they come back', async t => {
  const { a, b, makeRoom, join } = await world(t)
  const roomId = await makeRoom(b, BOB)
  t.deepEqual(await join(a, ALICE, roomId), EVERYTHING)
  const { sendTransaction } = a.client
  let hasTried = false
  const notNow = () => {
    hasTried = true
    return Promise.reject(new FederationError('unreachable', 'b.test', 'not now'))
  }
  Object.assign(a.client, { sendTransaction: notNow })
  await a.rooms.memberships.leave({ userId: ALICE, roomId })
  await eventually('it is told of', () => hasTried)
  t.is((await b.core.writer.head(roomId))?.memberships.get(ALICE), 'join')
  Object.assign(a.client, { sendTransaction })
  t.deepEqual(
    await join(a, ALICE, roomId),
    EVERYTHING,
    'she may have changed devices without their being told',
  )
})

test('a server that was held to be out of a room until states were resolved is told what it has missed', async t => {
  const { servers, a, b, told, makeRoom, join } = await world(t)
  const c = await servers.start('c.test')
  const roomId = await makeRoom(c, CAROL)
  const setLevels = (users: JsonObject) =>
    c.core.sender.send(roomId, {
      ...{ sender: CAROL, type: 'm.room.power_levels', stateKey: '' },
      content: { ban: 50, users: { ...users } },
    })
  await a.rooms.memberships.join({ userId: ALICE, roomId, via: ['c.test'] })
  await setLevels({ [ALICE]: 50 })
  t.deepEqual(await join(b, BOB, roomId), EVERYTHING)
  const bobAtA = async () => (await a.core.writer.head(roomId))?.memberships.get(BOB)
  t.is(await bobAtA(), 'join')
  servers.away.add('a.test')
  await a.rooms.memberships.ban({ sender: ALICE, userId: BOB, roomId })
  await addDevice(a, ALICE, 'D3')
  await a.encryption.caughtUp()
  t.is(await bobAtA(), 'ban')
  await setLevels({})
  told.length = 0
  await servers.settle()
  t.is(await bobAtA(), 'join', 'who banned him was not allowed to')
  t.true(told.some(content => content['device_id'] === 'D3'))
})

test('an introduction that was stored without its maker hearing of it is made once', async t => {
  const { a, b, makeRoom, joinUnheard } = await world(t)
  t.deepEqual(await joinUnheard(b, BOB, await makeRoom(a, ALICE)), EVERYTHING)
})

test('who is found in a room once its members are known is told of all devices, also of one that has gone', async t => {
  const { servers, a, b } = await world(t)
  const c = await servers.start('c.test')
  // A room without a name would be joined with those who stand for it.
  const fields = newRoom(b.rooms, BOB, { preset: 'public_chat', name: 'Large' })
  const roomId = await b.rooms.roomCreation.create(fields, { isDirect: false })
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['b.test'] })
  const told: JsonObject[] = []
  c.federation.transactions.onEdu('m.device_list_update', async (_, content) => void told.push(content))
  const { getState, getStateIds, sendJoin } = a.client
  const notNow = () => Promise.reject(new FederationError('unreachable', 'b.test', 'not now'))
  Object.assign(a.client, {
    ...{ getState: notNow, getStateIds: notNow },
    sendJoin: async (...call: Parameters<typeof sendJoin>) => ({
      ...(await sendJoin(...call)),
      serversInRoom: ['b.test'],
    }),
  })
  const joining = a.rooms.memberships.join({ userId: ALICE, roomId, via: ['b.test'] })
  let isIn = false
  joining.then(
    () => {
      isIn = true
    },
    () => undefined,
  )
  await eventually('she is in', async () => {
    await a.clock.advance(500)
    return isIn
  })
  t.truthy((await a.core.writer.head(roomId))?.partial)
  await removeDevice(a, ALICE, 'D2')
  await servers.settle()
  t.deepEqual(told, [], 'nobody knows of c yet')
  Object.assign(a.client, { getState, getStateIds })
  await eventually('all members are known', async () => {
    await a.clock.advance(60_000)
    return (await a.core.writer.head(roomId))?.partial === undefined
  })
  await eventually('she is told of', async () => {
    await servers.settle()
    return told.length > 1
  })
  t.true(told.some(one => one['device_id'] === 'D1' && one['deleted'] === undefined))
  t.true(told.some(one => one['device_id'] === 'D2' && one['deleted'] === true))
  await addDevice(a, ALICE, 'D3')
  const told3 = (): JsonObject | undefined => told.find(one => one['device_id'] === 'D3')
  await eventually('she is told of the new device', async () => {
    await servers.settle()
    return told3() !== undefined
  })
  t.deepEqual(
    Object.keys(told3() ?? {}),
    ['device_id', 'prev_id', 'stream_id', 'user_id'],
    'it has no keys yet',
  )
})
