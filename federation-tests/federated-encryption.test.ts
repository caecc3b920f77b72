import test, { registerCompletionHandler } from 'ava'
import {
  type Body,
  identityKeys,
  oneTimeKeys,
  registered,
  type TestDevice,
  testDevice,
  testIdentity,
} from '../src/test-kit/encryption.ts'
import { startSdkUser } from '../src/test-kit/js-sdk.ts'
import { startFederatedServers } from './federated-servers.ts'
import { password } from './js-sdk-people.ts'
import { talkEncrypted } from './js-sdk-scenario.ts'

// The SDK leaves timers behind: see src/test-kit/js-sdk.ts.
registerCompletionHandler(() => process.exit())

test.serial('people on two servers talk encrypted', async t => {
  const [tea, cake] = await startFederatedServers(t, ['tea.test', 'cake.test'])
  if (tea === undefined || cake === undefined) throw new Error('no servers')
  await tea.register('alice', password)
  await cake.register('bob', password)
  const alice = await startSdkUser(tea.url, 'alice', password)
  const bob = await startSdkUser(cake.url, 'bob', password)
  t.teardown(() => Promise.all([alice.stop(), bob.stop()]))
  await talkEncrypted(t, alice, bob)
})

/** Syncs until `find` answers something; what was found and the token after it. */
const until = async <T>(
  device: TestDevice,
  since: string,
  find: (response: Body) => T | undefined,
): Promise<{ found: T; since: string }> => {
  let token = since
  for (let round = 0; round < 50; round++) {
    const response = await device.call('GET', `/sync?since=${token}&timeout=10000`)
    token = response.next_batch
    const found = find(response)
    if (found !== undefined) return { found, since: token }
  }
  throw new Error('waited in vain')
}

test.serial('keys, changes and messages of devices cross between servers', async t => {
  const [tea, cake] = await startFederatedServers(t, ['tea.test', 'cake.test'])
  if (tea === undefined || cake === undefined) throw new Error('no servers')
  const [alice, bob] = [await registered(tea, 'alice'), await registered(cake, 'bob')]
  const names = ['A', 'B']
  await bob.call('POST', '/keys/upload', {
    device_keys: identityKeys(bob),
    one_time_keys: oneTimeKeys(bob, names),
  })
  const { room_id: roomId } = await alice.call('POST', '/createRoom', { preset: 'public_chat' })
  const { next_batch: start } = await alice.sync()
  const joined = await bob.call(
    'POST',
    `/join/${encodeURIComponent(roomId)}?server_name=tea.test&via=tea.test`,
    {},
  )
  t.is(joined.room_id, roomId)
  const changedBob = (response: Body): true | undefined =>
    response.device_lists?.changed?.includes(bob.userId) || undefined
  let { since } = await until(alice, start, changedBob)
  const query = () => alice.call('POST', '/keys/query', { device_keys: { [bob.userId]: [] } })
  t.deepEqual((await query()).device_keys[bob.userId], {
    [bob.deviceId]: { ...identityKeys(bob), unsigned: {} },
  })
  /** Asks again with each change that is told, as clients do, until there is what is waited for. */
  const untilKeys = async (isThere: (keys: Body) => boolean): Promise<Body> => {
    for (;;) {
      since = (await until(alice, since, changedBob)).since
      const keys = await query()
      if (isThere(keys)) return keys
    }
  }
  const deviceIds = (keys: Body) => Object.keys(keys.device_keys[bob.userId]).toSorted()

  const phone = testDevice(cake, await cake.login('bob'))
  await phone.call('POST', '/keys/upload', { device_keys: identityKeys(phone) })
  const both = await untilKeys(keys => deviceIds(keys).length === 2)
  t.deepEqual(deviceIds(both), [bob.deviceId, phone.deviceId].toSorted())
  const identity = testIdentity(bob.userId)
  await bob.call('POST', '/keys/device_signing/upload', identity.upload)
  const keys = await untilKeys(each => each.master_keys[bob.userId] !== undefined)
  t.deepEqual(keys.master_keys[bob.userId], identity.upload.master_key)
  t.deepEqual(keys.self_signing_keys[bob.userId], identity.upload.self_signing_key)
  t.deepEqual(keys.user_signing_keys, {})

  const wanted = { one_time_keys: { [bob.userId]: { [bob.deviceId]: 'signed_curve25519' } } }
  const claims = await Promise.all([1, 2, 3].map(() => alice.call('POST', '/keys/claim', wanted)))
  const claimed = claims.flatMap(claim => Object.keys(claim.one_time_keys[bob.userId]?.[bob.deviceId] ?? {}))
  t.deepEqual(
    claimed.toSorted(),
    names.map(name => `signed_curve25519:${name}`),
  )
  const elsewhere = { one_time_keys: { '@eve:nowhere.test': { D: 'signed_curve25519' } }, timeout: 2000 }
  t.deepEqual(Object.keys((await alice.call('POST', '/keys/claim', elsewhere)).failures), ['nowhere.test'])

  const bobs = (await bob.sync()).next_batch
  const numbers: number[] = []
  for (let n = 0; n < 5; n++)
    await alice.call('PUT', `/sendToDevice/m.test/${n}`, { messages: { [bob.userId]: { '*': { n } } } })
  await until(bob, bobs, response => {
    numbers.push(...(response.to_device?.events ?? []).map((event: Body) => event.content.n))
    return numbers.length >= 5 || undefined
  })
  t.deepEqual(numbers, [0, 1, 2, 3, 4])

  await phone.call('POST', '/logout')
  t.deepEqual(deviceIds(await untilKeys(each => deviceIds(each).length === 1)), [bob.deviceId])
  await bob.call('POST', `/rooms/${encodeURIComponent(roomId)}/leave`, {})
  // A change of devices may still be told by itself.
  const left = (response: Body) => response.device_lists?.left.length > 0 && response.device_lists.left
  const { found } = await until(alice, since, response => left(response) || undefined)
  t.deepEqual(found, [bob.userId])
})
