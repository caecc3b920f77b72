import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import {
  type Body,
  identityKeys,
  registered,
  type TestDevice,
  testDevice,
} from '../../test-kit/encryption.ts'
import { type RunningTestServer, startTestServer } from '../../test-kit/server.ts'

/** Nothing else wakes who waits: not even that they are there. */
const quiet = { presence: { enabled: false } }

const names = (response: Body) => ({
  changed: (response.device_lists?.changed ?? response.changed ?? []).toSorted(),
  left: (response.device_lists?.left ?? response.left ?? []).toSorted(),
})
const NOBODY = { changed: [], left: [] }

/** What is new, as soon as something is: a commit is followed a moment after it. */
const news = (device: TestDevice, since: string): Promise<Body> =>
  device.call('GET', `/sync?since=${since}&timeout=10000`)

const withKeys = async (server: RunningTestServer, username: string): Promise<TestDevice> => {
  const device = await registered(server, username)
  await device.call('POST', '/keys/upload', { device_keys: identityKeys(device) })
  return device
}

const roomOf = async (creator: TestDevice, ...others: TestDevice[]): Promise<string> => {
  const { room_id: roomId } = await creator.call('POST', '/createRoom', { preset: 'public_chat' })
  for (const other of others) await other.call('POST', `/rooms/${roomId}/join`, {})
  return roomId
}

testDatabases(
  test,
  'changes are told to whoever shares a room, and to nobody else',
  async (t, _, database) => {
    const server = await startTestServer({ database, settings: quiet })
    t.teardown(server.close)
    const alice = await withKeys(server, 'alice')
    const bob = await withKeys(server, 'bob')
    const carol = await withKeys(server, 'carol')
    await roomOf(alice, bob)
    const tokens = [(await bob.sync()).next_batch]
    const carols = (await carol.sync()).next_batch
    const phone = testDevice(server, await server.login('alice'))
    const added = await bob.sync(tokens[0])
    t.deepEqual(names(added), { changed: [alice.userId], left: [] }, 'it may have no keys yet')
    await phone.call('POST', '/keys/upload', { device_keys: identityKeys(phone) })
    const uploaded = await bob.sync(added.next_batch)
    t.deepEqual(names(uploaded), { changed: [alice.userId], left: [] })
    t.deepEqual(names(await bob.sync(uploaded.next_batch)), NOBODY)
    await phone.call('POST', '/keys/upload', { device_keys: identityKeys(phone) })
    t.deepEqual(names(await bob.sync(uploaded.next_batch)), NOBODY, 'the same keys once more')
    await alice.call('PUT', `/devices/${phone.deviceId}`, { display_name: 'Phone' })
    const renamed = await bob.sync(uploaded.next_batch)
    t.deepEqual(names(renamed), { changed: [alice.userId], left: [] })
    await alice.call('PUT', `/devices/${phone.deviceId}`, { display_name: 'Phone' })
    t.deepEqual(names(await bob.sync(renamed.next_batch)), NOBODY, 'the same name once more')
    await phone.call('POST', '/logout')
    const removed = await bob.sync(renamed.next_batch)
    t.deepEqual(names(removed), { changed: [alice.userId], left: [] })
    t.deepEqual(names(await carol.sync(carols)), NOBODY)
    const changes = (from: string, to: string) => bob.call('GET', `/keys/changes?from=${from}&to=${to}`)
    t.deepEqual(names(await changes(tokens[0], removed.next_batch)), { changed: [alice.userId], left: [] })
    t.deepEqual(names(await changes(removed.next_batch, removed.next_batch)), NOBODY)
    t.is((await changes('nonsense', removed.next_batch)).errcode, 'M_INVALID_PARAM')
  },
)

testDatabases(test, 'coming to share rooms and ceasing to is told to both sides', async (t, _, database) => {
  const server = await startTestServer({ database, settings: quiet })
  t.teardown(server.close)
  const alice = await withKeys(server, 'alice')
  const bob = await withKeys(server, 'bob')
  const one = await roomOf(alice)
  const a0 = (await alice.sync()).next_batch
  const b0 = (await bob.sync()).next_batch
  await bob.call('POST', `/rooms/${one}/join`, {})
  const [a1, b1] = [await news(alice, a0), await news(bob, b0)]
  t.deepEqual(names(a1), { changed: [bob.userId], left: [] })
  t.deepEqual(names(b1), { changed: [alice.userId], left: [] })
  const two = await roomOf(alice, bob)
  const [a2, b2] = [await news(alice, a1.next_batch), await news(bob, b1.next_batch)]
  await bob.call('POST', `/rooms/${one}/leave`, {})
  const [a3, b3] = [await news(alice, a2.next_batch), await news(bob, b2.next_batch)]
  t.deepEqual([names(a3), names(b3)], [NOBODY, NOBODY], 'they still share the other room')
  await bob.call('POST', `/rooms/${two}/leave`, {})
  const [a4, b4] = [await news(alice, a3.next_batch), await news(bob, b3.next_batch)]
  t.deepEqual(names(a4), { changed: [], left: [bob.userId] })
  t.deepEqual(names(b4), { changed: [], left: [alice.userId] })
  await bob.call('POST', `/rooms/${two}/join`, {})
  t.deepEqual(names(await news(alice, a4.next_batch)), { changed: [bob.userId], left: [] })
  // From before it all to after it all, they share a room now and did not then.
  const end = (await alice.sync()).next_batch
  t.deepEqual(names(await alice.call('GET', `/keys/changes?from=${a0}&to=${end}`)), {
    changed: [bob.userId],
    left: [],
  })
})

testDatabases(test, 'who came and went while one was away is told of neither', async (t, _, database) => {
  const server = await startTestServer({ database, settings: quiet })
  t.teardown(server.close)
  const alice = await withKeys(server, 'alice')
  const bob = await withKeys(server, 'bob')
  const room = await roomOf(alice)
  const since = (await alice.sync()).next_batch
  await bob.call('POST', `/rooms/${room}/join`, {})
  await bob.call('POST', `/rooms/${room}/leave`, {})
  t.deepEqual(names(await alice.sync(since)), NOBODY)
})

testDatabases(
  test,
  'who went and came back while one was away is looked at again',
  async (t, _, database) => {
    const server = await startTestServer({ database, settings: quiet })
    t.teardown(server.close)
    const alice = await withKeys(server, 'alice')
    const bob = await withKeys(server, 'bob')
    const room = await roomOf(alice, bob)
    const [a0, b0] = [(await alice.sync()).next_batch, (await bob.sync()).next_batch]
    await bob.call('PUT', `/profile/${bob.userId}/displayname`, { displayname: 'Bob' })
    const [a1, b1] = [await news(alice, a0), await news(bob, b0)]
    t.deepEqual([names(a1), names(b1)], [NOBODY, NOBODY], 'by another name they are still there')
    await bob.call('POST', `/rooms/${room}/leave`, {})
    await bob.call('POST', `/rooms/${room}/join`, {})
    const [a2, b2] = [await news(alice, a1.next_batch), await news(bob, b1.next_batch)]
    t.deepEqual(names(a2), { changed: [bob.userId], left: [] })
    t.deepEqual(names(b2), { changed: [alice.userId], left: [] })
    await bob.call('PUT', `/profile/${bob.userId}/displayname`, { displayname: 'Robert' })
    t.deepEqual(names(await news(alice, a2.next_batch)), NOBODY)
    for (const [device, other, from, to] of [
      [alice, bob, a1, a2],
      [bob, alice, b1, b2],
    ] as const) {
      const path = `/keys/changes?from=${from.next_batch}&to=${to.next_batch}`
      t.deepEqual(names(await device.call('GET', path)), { changed: [other.userId], left: [] }, 'as it was')
    }
  },
)

testDatabases(test, 'a change of a user in many rooms is one row', async (t, opened, database) => {
  const server = await startTestServer({ database, settings: quiet })
  t.teardown(server.close)
  const alice = await registered(server, 'alice')
  for (let count = 0; count < 5; count++) await roomOf(alice)
  await alice.call('POST', '/keys/upload', { device_keys: identityKeys(alice) })
  const rows = await opened.all(opened.prepare('SELECT user_id, device_id FROM device_list_changes'))
  t.deepEqual(rows, [{ user_id: alice.userId, device_id: alice.deviceId }])
})
