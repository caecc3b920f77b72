import test from 'ava'
import { silentLog } from '../../../core/log.ts'
import { signJson } from '../../../core/signing.ts'
import { testDatabases } from '../../../test-kit/database.ts'
import { testIdentity } from '../../../test-kit/encryption.ts'
import { FakeClock } from '../../../test-kit/fake-clock.ts'
import { ALICE, BOB, keysOf, masterKey, remoteDevicesWorld } from '../../../test-kit/remote-devices-world.ts'
import { Processes } from '../../processes.ts'
import { crossSigningKeysOf } from '../cross-signing.ts'

testDatabases(test, 'lists are kept, and follow updates that follow each other', async (t, database) => {
  const { remote, update, devices, told } = await remoteDevicesWorld(database)
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
    const { remote, update, devices, told, encryption } = await remoteDevicesWorld(database)
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

testDatabases(test, 'nobody waits for a server again that has not answered', async (t, database) => {
  const { remote, clock, encryption, devices } = await remoteDevicesWorld(database)
  Object.assign(remote, {
    streamId: 5,
    devices: ['ONE'],
    isDown: true,
    meanwhile: () => clock.advance(9_000),
  })
  for (let query = 0; query < 3; query++) t.deepEqual(await devices(), { ids: [], failures: ['far.test'] })
  t.is(remote.asked, 1)
  await clock.advance(10_000)
  t.deepEqual((await devices()).failures, ['far.test'])
  t.is(remote.asked, 2)
  remote.isDown = false
  await clock.advance(10_000)
  t.deepEqual((await devices()).failures, ['far.test'])
  encryption.heardOf('far.test')
  t.deepEqual(await devices(), { ids: ['ONE'], failures: [] }, 'it has been heard of')
})

testDatabases(test, 'a server is asked again that another process has heard of', async (t, database) => {
  const processes = new Processes({ database, clock: new FakeClock(), log: silentLog })
  t.teardown(() => processes.close())
  const { remote, clock, devices } = await remoteDevicesWorld(database, { processes })
  Object.assign(remote, {
    ...{ streamId: 5, devices: ['ONE'], isDown: true },
    meanwhile: () => clock.advance(9_000),
  })
  await devices()
  await clock.advance(10_000)
  await devices()
  t.is(remote.asked, 2)
  remote.isDown = false
  await clock.advance(10_000)
  t.deepEqual((await devices()).failures, ['far.test'])
  await processes.bulletin.post('heard of', 'far.test')
  t.deepEqual(await devices(), { ids: ['ONE'], failures: [] })
})

testDatabases(test, 'an update between leaving and coming back is not missed', async (t, database) => {
  const { remote, update, devices, bobIs } = await remoteDevicesWorld(database)
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
  const { remote, update, devices } = await remoteDevicesWorld(database)
  Object.assign(remote, { streamId: 5, devices: ['ONE'] })
  remote.meanwhile = async () => {
    remote.meanwhile = async () => {}
    Object.assign(remote, { streamId: 6, devices: ['ONE', 'SIX'] })
    await update(6, [5], 'SIX')
  }
  t.deepEqual(await devices(), { ids: ['ONE', 'SIX'], failures: [] })
})

testDatabases(test, 'a server that counts its updates anew is asked anew', async (t, database) => {
  const { remote, update, devices } = await remoteDevicesWorld(database)
  Object.assign(remote, { streamId: 5, devices: ['ONE', 'TWO'] })
  await devices()
  await update(4, [3], 'ONE')
  await update(5, [], 'ONE')
  t.is(remote.asked, 1, 'what is in the list already is no news')
  // As Dendrite tells the end of a device.
  Object.assign(remote, { devices: ['ONE'] })
  await update(4, [3], 'TWO', { deleted: true })
  t.deepEqual(await devices(), { ids: ['ONE'], failures: [] })
  Object.assign(remote, { streamId: 2, devices: ['NEW'] })
  await update(1, [], 'NEW')
  t.deepEqual(await devices(), { ids: ['NEW'], failures: [] })
  await update(3, [2], 'THREE')
  t.deepEqual(await devices(), { ids: ['NEW', 'THREE'], failures: [] })
})

testDatabases(
  test,
  'whoever was answered before a list was kept is told once of what is in it',
  async (t, database) => {
    const { remote, update, devices, told } = await remoteDevicesWorld(database)
    Object.assign(remote, { streamId: 5, devices: ['ONE'] })
    await devices()
    const before = told()
    await update(5, [4], 'ONE')
    t.is(told(), before + 1)
    await update(5, [4], 'ONE')
    await update(4, [3], 'ONE')
    t.is(told(), before + 1)
    t.is(remote.asked, 1)
  },
)

testDatabases(
  test,
  'an identity that is told of during the fetch is not lost under the older answer',
  async (t, database) => {
    const { remote, identity, devices, master } = await remoteDevicesWorld(database)
    remote.meanwhile = async () => {
      remote.meanwhile = async () => {}
      remote.master = masterKey(2)
      await identity(masterKey(2))
    }
    remote.master = masterKey(1)
    await devices()
    t.deepEqual(await master(), masterKey(2))
  },
)

testDatabases(
  test,
  'an identity that is told again has the list fetched: a device may have been signed',
  async (t, database) => {
    const { remote, encryption, identity, devices } = await remoteDevicesWorld(database)
    const key = masterKey(1)
    Object.assign(remote, { streamId: 5, devices: ['ONE'], master: key })
    await devices()
    const signatures = { [BOB]: { 'ed25519:abc': 'signed' } }
    Object.assign(remote, { signatures })
    await identity(Object.fromEntries(Object.entries(key).toReversed()))
    const { device_keys: keys } = await encryption.keyQueries.query(ALICE, { [BOB]: [] }, undefined)
    t.like(keys[BOB]?.['ONE'], { signatures })
    t.is(remote.asked, 2)
  },
)

testDatabases(test, 'nobody speaks for the users of others', async (t, database) => {
  const { encryption, told } = await remoteDevicesWorld(database)
  const content = { user_id: BOB, device_id: 'EVIL', stream_id: 1, prev_id: [], keys: keysOf('EVIL') }
  await encryption.eduHandlers['m.device_list_update']('evil.test', content)
  await encryption.eduHandlers['m.device_list_update']('evil.test', { ...content, user_id: '@e:evil.test' })
  await encryption.eduHandlers['m.signing_key_update']('evil.test', { user_id: BOB })
  await encryption.eduHandlers['m.direct_to_device']('evil.test', {
    sender: BOB,
    type: 'm.x',
    message_id: '1',
    messages: { [ALICE]: { '*': {} } },
  })
  t.is(told(), 0)
  t.is(database.position('to_device'), 0)
})

testDatabases(
  test,
  'a user of another server cannot have so many devices that all choke on them',
  async (t, database) => {
    const { remote, update, devices } = await remoteDevicesWorld(database)
    const padding = 'x'.repeat(10_000)
    remote.signatures = { padding }
    Object.assign(remote, { streamId: 5, devices: Array.from({ length: 150 }, (_, n) => `D${n}`) })
    const found = await devices()
    t.true(found.ids.length > 90 && found.ids.length < 105, 'a megabyte of them')
    remote.signatures = {}
    Object.assign(remote, { streamId: 6, devices: ['ONE'] })
    await update(7, [6], 'LARGE', { keys: keysOf('LARGE', { signatures: { padding: padding.repeat(2) } }) })
    t.deepEqual((await devices()).ids, ['ONE'])
    await update(7, [6], 'LARGE', { keys: keysOf('LARGE', { signatures: { padding: padding.repeat(2) } }) })
    t.deepEqual((await devices()).ids, ['ONE'], 'none of them may be large')
    await update(8, [7], 'TWO')
    t.deepEqual((await devices()).ids, ['ONE'], 'it has not told of this one when it is asked')
  },
)

testDatabases(
  test,
  'an identity elsewhere can be signed also where one from before is kept',
  async (t, database) => {
    const { remote, encryption, devices, update, master } = await remoteDevicesWorld(database)
    Object.assign(remote, { streamId: 5, devices: ['ONE'], master: masterKey(1) })
    await devices()
    Object.assign(remote, { streamId: 9, master: masterKey(2), isDown: true })
    await update(9, [8], 'NINE')
    t.deepEqual((await devices()).failures, ['far.test'])
    remote.isDown = false
    const { crossSigning, signatures } = encryption
    const alice = testIdentity(ALICE)
    await crossSigning.store(ALICE, await crossSigning.check(ALICE, crossSigningKeysOf(alice.upload)))
    const [publicKey = ''] = Object.values(masterKey(2)['keys'] ?? {}).map(String)
    const signed = signJson(masterKey(2), ALICE, alice.userSigning)
    t.deepEqual(await signatures.upload(ALICE, { [BOB]: { [publicKey]: signed } }), {})
    t.deepEqual(await master(), signed)
  },
)
