import test from 'ava'
import type { JsonObject } from '../../../core/json.ts'
import { silentLog } from '../../../core/log.ts'
import type { UserDevices } from '../../../network/federation/devices.ts'
import type { Database } from '../../../storage/database.ts'
import { roomReaders } from '../../../storage/rooms/index.ts'
import { MembershipWriter } from '../../../storage/rooms/memberships.ts'
import { testDatabases } from '../../../test-kit/database.ts'
import { FakeClock } from '../../../test-kit/fake-clock.ts'
import { createEncryption } from '../index.ts'
import { noEdus, noRemoteKeys } from '../ports.ts'
import { ToDevice } from '../to-device.ts'

const bob = '@bob:far.test'
const alice = '@alice:near.test'

const keysOf = (deviceId: string, more: JsonObject = {}): JsonObject => ({
  user_id: bob,
  device_id: deviceId,
  algorithms: [],
  keys: {},
  signatures: {},
  ...more,
})

/** Encryption of `near.test`, over a remote server whose answers the test decides. */
const world = async (database: Database) => {
  const remote = { streamId: 0, devices: [] as string[], isDown: false, asked: 0, meanwhile: async () => {} }
  const encryption = createEncryption({
    database,
    rooms: roomReaders(database),
    clock: new FakeClock(),
    log: silentLog,
    serverName: 'near.test',
    shareNames: false,
    keepEdus: noEdus,
    remote: {
      ...noRemoteKeys,
      userDevices: async (): Promise<UserDevices> => {
        remote.asked++
        const { streamId, devices } = remote
        await remote.meanwhile()
        if (remote.isDown) throw new Error('nobody answers')
        return {
          streamId,
          devices: devices.map(deviceId => ({ deviceId, keys: keysOf(deviceId), displayName: undefined })),
          masterKey: undefined,
          selfSigningKey: undefined,
        }
      },
    },
  })
  const room = database.prepare(
    `INSERT INTO rooms (room_nid, room_id, version, head_version, is_public, creator, created_ts)
     VALUES (1, '!r:near.test', '11', 1, 0, 'x', 0)`,
  )
  const member = (userId: string, membership: 'join' | 'leave', position: number) =>
    new MembershipWriter(database).set([
      {
        ...{ roomNid: 1, userId, membership, eventNid: position, position },
        host: userId === bob ? 'far.test' : 'near.test',
      },
    ])
  await database.commit({
    statements: [{ prepared: room, rows: [[]] }, ...member(alice, 'join', 1), ...member(bob, 'join', 2)],
  })
  const bobIs = (membership: 'join' | 'leave', position: number) =>
    database.commit({ statements: member(bob, membership, position) })
  const update = (streamId: number, previous: number[], deviceId: string, more: JsonObject = {}) =>
    encryption.eduHandlers['m.device_list_update']('far.test', {
      user_id: bob,
      device_id: deviceId,
      stream_id: streamId,
      prev_id: previous,
      keys: keysOf(deviceId),
      ...more,
    })
  const devices = async () => {
    const { device_keys: keys, failures } = await encryption.keyQueries.query(alice, { [bob]: [] }, undefined)
    return { ids: Object.keys(keys[bob] ?? {}).toSorted(), failures: Object.keys(failures) }
  }
  const told = () => database.position('device_lists')
  return { remote, encryption, update, devices, told, bobIs }
}

testDatabases(test, 'lists are kept, and follow updates that follow each other', async (t, database) => {
  const { remote, update, devices, told } = await world(database)
  Object.assign(remote, { streamId: 5, devices: ['ONE'] })
  t.deepEqual(await devices(), { ids: ['ONE'], failures: [] })
  await update(7, [5], 'TWO')
  t.deepEqual(await devices(), { ids: ['ONE', 'TWO'], failures: [] })
  await update(8, [7], 'ONE', { deleted: true })
  t.deepEqual(await devices(), { ids: ['TWO'], failures: [] })
  const before = told()
  await update(8, [7], 'ONE', { deleted: true })
  t.is(told(), before, 'the same once more is no news')
  t.is(remote.asked, 1)
})

testDatabases(
  test,
  'a gap has the list fetched whole; what cannot be is kept as it was',
  async (t, database) => {
    const { remote, update, devices, told, encryption } = await world(database)
    Object.assign(remote, { streamId: 5, devices: ['ONE'] })
    await devices()
    Object.assign(remote, { streamId: 9, devices: ['ONE', 'TWO', 'NINE'], isDown: true })
    const before = told()
    await update(9, [8], 'NINE')
    t.true(told() > before, 'clients are told that there is something')
    t.deepEqual(await devices(), { ids: ['ONE'], failures: ['far.test'] })
    remote.isDown = false
    t.deepEqual(await devices(), { ids: ['NINE', 'ONE', 'TWO'], failures: [] })
    const { asked } = remote
    await update(10, [9], 'TEN')
    t.deepEqual(await devices(), { ids: ['NINE', 'ONE', 'TEN', 'TWO'], failures: [] })
    t.is(remote.asked, asked)
    t.truthy(encryption)
  },
)

testDatabases(test, 'an update between leaving and coming back is not missed', async (t, database) => {
  const { remote, update, devices, bobIs } = await world(database)
  Object.assign(remote, { streamId: 5, devices: ['ONE'] })
  await devices()
  await bobIs('leave', 3)
  Object.assign(remote, { streamId: 6, devices: ['ONE', 'TWO'] })
  await update(6, [5], 'TWO')
  await bobIs('join', 4)
  t.deepEqual(await devices(), { ids: ['ONE', 'TWO'], failures: [] })
  t.is(remote.asked, 2)
})

testDatabases(test, 'an update during the fetch is not lost under the older answer', async (t, database) => {
  const { remote, update, devices } = await world(database)
  Object.assign(remote, { streamId: 5, devices: ['ONE'] })
  remote.meanwhile = async () => {
    remote.meanwhile = async () => {}
    Object.assign(remote, { streamId: 6, devices: ['ONE', 'SIX'] })
    await update(6, [5], 'SIX')
  }
  t.deepEqual(await devices(), { ids: ['ONE', 'SIX'], failures: [] })
})

testDatabases(test, 'a server that counts its updates anew is asked anew', async (t, database) => {
  const { remote, update, devices } = await world(database)
  Object.assign(remote, { streamId: 5, devices: ['ONE', 'TWO'] })
  await devices()
  await update(4, [3], 'ONE')
  await update(5, [], 'ONE')
  t.is(remote.asked, 1, 'what is in the list already is no news')
  Object.assign(remote, { streamId: 2, devices: ['NEW'] })
  await update(1, [], 'NEW')
  t.deepEqual(await devices(), { ids: ['NEW'], failures: [] })
  await update(3, [2], 'THREE')
  t.deepEqual(await devices(), { ids: ['NEW', 'THREE'], failures: [] })
})

testDatabases(test, 'nobody speaks for the users of others', async (t, database) => {
  const { encryption, told } = await world(database)
  const content = { user_id: bob, device_id: 'EVIL', stream_id: 1, prev_id: [], keys: keysOf('EVIL') }
  await encryption.eduHandlers['m.device_list_update']('evil.test', content)
  await encryption.eduHandlers['m.device_list_update']('evil.test', { ...content, user_id: '@e:evil.test' })
  await encryption.eduHandlers['m.signing_key_update']('evil.test', { user_id: bob })
  await encryption.eduHandlers['m.direct_to_device']('evil.test', {
    sender: bob,
    type: 'm.x',
    message_id: '1',
    messages: { [alice]: { '*': {} } },
  })
  t.is(told(), 0)
  t.is(database.position('to_device'), 0)
})

testDatabases(test, 'a message that arrives twice is delivered once', async (t, database) => {
  const { encryption } = await world(database)
  const device = database.prepare('INSERT INTO devices (user_id, device_id, created_ts) VALUES (?, ?, 0)')
  await database.commit({ statements: [{ prepared: device, rows: [[alice, 'D']] }] })
  const receive = (id: string) =>
    encryption.eduHandlers['m.direct_to_device']('far.test', {
      sender: bob,
      type: 'm.x',
      message_id: id,
      messages: { [alice]: { D: { id } }, '@other:far.test': { D: {} } },
    })
  for (const id of ['1', '2', '1', '2']) await receive(id)
  const span = { after: 0, upTo: database.position('to_device') }
  const waiting = await encryption.toDevice.waiting(alice, 'D', span, 10)
  t.deepEqual(
    waiting.map(message => message.content),
    ['{"id":"1"}', '{"id":"2"}'],
  )
})

testDatabases(test, 'a flood does not fill the disk, nor drive out what was there', async (t, database) => {
  const { encryption } = await world(database)
  const device = database.prepare('INSERT INTO devices (user_id, device_id, created_ts) VALUES (?, ?, 0)')
  await database.commit({
    statements: [
      {
        prepared: device,
        rows: [
          [alice, 'D'],
          [alice, 'E'],
        ],
      },
    ],
  })
  const toDevice = new ToDevice(encryption.context, noEdus, 3)
  const send = (deviceId: string, n: number) =>
    toDevice.send({ userId: bob, deviceId: 'B' }, 'm.x', `${deviceId}${n}`, {
      [alice]: { [deviceId]: { n } },
    })
  for (let n = 1; n <= 5; n++) await send('D', n)
  for (let n = 1; n <= 3; n++) await send('E', n)
  await toDevice.expire()
  const waiting = async (deviceId: string) => {
    const span = { after: 0, upTo: database.position('to_device') }
    const messages = await toDevice.waiting(alice, deviceId, span, 10)
    return messages.map(({ content }) => JSON.parse(content).n)
  }
  t.deepEqual(await waiting('D'), [1, 2, 3])
  t.deepEqual(await waiting('E'), [1, 2, 3])
})

testDatabases(test, 'what goes to another server is named as long as it may be', async (t, database) => {
  const { encryption } = await world(database)
  const kept: JsonObject[] = []
  const toDevice = new ToDevice(encryption.context, edus => {
    kept.push(...edus.map(({ content }) => content))
    return noEdus([])
  })
  const sender = { userId: alice, deviceId: 'D' }
  const large = Object.fromEntries(['A', 'B'].map(id => [id, { text: id.repeat(200_000) }]))
  for (const [txnId, messages] of [
    ['large', large],
    ['1', { A: {} }],
    ['1', { A: {} }],
    ['2', { A: {} }],
  ] as const)
    await toDevice.send(sender, 'm.x', txnId, { [bob]: messages })
  const ids = kept.map(({ message_id: id }) => String(id))
  t.deepEqual(new Set(ids.map(id => id.length)), new Set([32]), '"of maximum length 32 codepoints"')
  t.is(ids.length, 5)
  t.is(ids[2], ids[3], 'the same once more')
  t.is(new Set(ids).size, 4)
})
