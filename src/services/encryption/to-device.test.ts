import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { type Body, registered, type TestDevice, testDevice } from '../../test-kit/encryption.ts'
import { startTestServer } from '../../test-kit/server.ts'

/** Nothing else wakes who waits: not even that they are there. */
const quiet = { presence: { enabled: false } }

const numbers = (response: Body): number[] =>
  (response.to_device?.events ?? []).map((event: Body) => event.content.n)

const send = (from: TestDevice, to: TestDevice, n: number, device = to.deviceId): Promise<Body> =>
  from.call('PUT', `/sendToDevice/m.test/txn${n}`, { messages: { [to.userId]: { [device]: { n } } } })

testDatabases(test, 'messages arrive in order, until they are acknowledged', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const [alice, bob] = [await registered(server, 'alice'), await registered(server, 'bob')]
  for (let n = 1; n <= 3; n++) await send(alice, bob, n)
  const first = await bob.sync()
  t.deepEqual(first.to_device.events[0], { type: 'm.test', sender: alice.userId, content: { n: 1 } })
  t.deepEqual(numbers(first), [1, 2, 3])
  await send(alice, bob, 4)
  t.deepEqual(numbers(await bob.sync()), [1, 2, 3, 4], 'nothing was acknowledged')
  const second = await bob.sync(first.next_batch)
  t.deepEqual(numbers(second), [4])
  t.deepEqual(numbers(await bob.sync(first.next_batch)), [4], 'the answer may have been lost')
  t.deepEqual(numbers(await bob.sync(second.next_batch)), [])
  t.deepEqual(numbers(await bob.sync(first.next_batch)), [], 'what is acknowledged is gone')
})

testDatabases(test, 'a transaction sends once, and only to devices that exist', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const [alice, bob] = [await registered(server, 'alice'), await registered(server, 'bob')]
  const phone = testDevice(server, await server.login('bob'))
  await Promise.all([send(alice, bob, 1), send(alice, bob, 1), send(alice, bob, 1)])
  await send(alice, bob, 2, '*')
  await send(alice, bob, 3, 'NOBODY')
  await send(phone, bob, 1)
  const waiting = await bob.sync()
  t.deepEqual(numbers(waiting), [1, 2, 1], 'the same ID of another device is another transaction')
  t.deepEqual(numbers(await phone.sync()), [2])
  t.deepEqual(numbers(await alice.sync()), [])
  const both = { [bob.userId]: { '*': { n: 4 }, [bob.deviceId]: { n: 5 } } }
  await alice.call('PUT', '/sendToDevice/m.test/both', { messages: both })
  t.deepEqual(
    [await bob.sync(waiting.next_batch), await phone.sync()].map(numbers),
    [[5], [2, 4]],
    'one message for each device',
  )
  t.is(
    (await alice.call('PUT', '/sendToDevice/m.test/bad', { messages: { '@broken': {} } })).errcode,
    'M_INVALID_PARAM',
  )
  await send(alice, phone, 5)
  await phone.call('POST', '/logout')
  const again = testDevice(server, await server.login('bob'))
  t.deepEqual(numbers(await again.sync()), [])
})

testDatabases(test, 'a large queue comes in batches, and loses nothing', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const [alice, bob] = [await registered(server, 'alice'), await registered(server, 'bob')]
  await Promise.all(Array.from({ length: 250 }, (_, n) => send(alice, bob, n)))
  const received: number[][] = []
  let since: string | undefined
  do {
    const response = await bob.sync(since)
    received.push(numbers(response))
    since = response.next_batch
  } while (received.at(-1)?.length !== 0)
  t.deepEqual(
    received.map(batch => batch.length),
    [100, 100, 50, 0],
  )
  t.is(new Set(received.flat()).size, 250)
})

testDatabases(test, 'a waiting client is woken', async (t, _, database) => {
  const server = await startTestServer({ database, settings: quiet })
  t.teardown(server.close)
  const [alice, bob] = [await registered(server, 'alice'), await registered(server, 'bob')]
  const { next_batch: since } = await bob.sync()
  const waiting = bob.call('GET', `/sync?since=${since}&timeout=60000`)
  await send(alice, bob, 7)
  t.deepEqual(numbers(await waiting), [7])
})

testDatabases(test, 'thousands of messages are one commit', async (t, database, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const [alice, bob] = [await registered(server, 'alice'), await registered(server, 'bob')]
  const recipients = Array.from({ length: 5000 }, (_, n) => [`@u${n}:localhost`, { D: { n } }] as const)
  const messages = { ...Object.fromEntries(recipients), [bob.userId]: { [bob.deviceId]: { n: -1 } } }
  t.deepEqual(await alice.call('PUT', '/sendToDevice/m.test/many', { messages }), {})
  t.deepEqual(numbers(await bob.sync()), [-1])
  const stored = await database.all(database.prepare('SELECT user_id FROM to_device_messages'))
  t.deepEqual(stored, [{ user_id: bob.userId }])
})

testDatabases(test, 'nobody is asked to verify whom they ignore', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const [alice, bob] = [await registered(server, 'alice'), await registered(server, 'bob')]
  const path = `/user/${bob.userId}/account_data/m.ignored_user_list`
  await bob.call('PUT', path, { ignored_users: { [alice.userId]: {}, [bob.userId]: {} } })
  const tell = (from: TestDevice, type: string, n: number) =>
    from.call('PUT', `/sendToDevice/${type}/t${n}`, { messages: { [bob.userId]: { '*': { n } } } })
  await tell(alice, 'm.key.verification.request', 1)
  await tell(alice, 'm.room.encrypted', 2)
  await tell(bob, 'm.key.verification.request', 3)
  t.deepEqual(numbers(await bob.sync()), [2, 3])
  await bob.call('PUT', path, { ignored_users: {} })
  await tell(alice, 'm.key.verification.request', 4)
  t.deepEqual(numbers(await bob.sync()), [2, 3, 4])
})
