import test from 'ava'
import { testDatabases, testPostgres } from '../../test-kit/database.ts'
import {
  identityKeys,
  oneTimeKey,
  oneTimeKeys,
  registered,
  type TestDevice,
  testDevice,
} from '../../test-kit/encryption.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { startTestServer } from '../../test-kit/server.ts'

const claim = async (by: TestDevice, of: TestDevice): Promise<string | undefined> => {
  const wanted = { [of.userId]: { [of.deviceId]: 'signed_curve25519' } }
  const { one_time_keys: keys } = await by.call('POST', '/keys/claim', { one_time_keys: wanted })
  return Object.keys(keys[of.userId]?.[of.deviceId] ?? {})[0]
}

testDatabases(
  test,
  'one-time keys are given out in the order of uploads, each once',
  async (t, _, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const [alice, bob] = [await registered(server, 'alice'), await registered(server, 'bob')]
    t.is(await claim(bob, alice), undefined)
    const first = oneTimeKeys(alice, ['B1', 'A1'])
    t.deepEqual(
      await alice.call('POST', '/keys/upload', { device_keys: identityKeys(alice), one_time_keys: first }),
      { one_time_key_counts: { signed_curve25519: 2 } },
    )
    const second = { one_time_keys: oneTimeKeys(alice, ['A2', 'A3', 'A4']) }
    t.deepEqual(await alice.call('POST', '/keys/upload', second), {
      one_time_key_counts: { signed_curve25519: 5 },
    })
    const taken = [await claim(bob, alice), await claim(bob, alice)]
    t.deepEqual(taken.toSorted(), ['signed_curve25519:A1', 'signed_curve25519:B1'])
    // The answer was lost, and the client uploads once more: what was given out stays given out.
    t.deepEqual(await alice.call('POST', '/keys/upload', { one_time_keys: first }), {
      one_time_key_counts: { signed_curve25519: 3 },
    })
    const rest = await Promise.all([
      claim(bob, alice),
      claim(alice, alice),
      claim(bob, alice),
      claim(bob, alice),
    ])
    const keys = ['A2', 'A3', 'A4'].map(id => `signed_curve25519:${id}`)
    t.deepEqual(rest.toSorted(), [...keys, undefined])
    t.is((await alice.sync()).device_one_time_keys_count.signed_curve25519, 0)
  },
)

testDatabases(
  test,
  'a device whose client has lost its keys begins anew, and none of the old ones is given out',
  async (t, _, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const [bot, bob] = [await registered(server, 'bot'), await registered(server, 'bob')]
    const upload = (keys: object) => bot.call('POST', '/keys/upload', keys)
    const [key, other] = [oneTimeKey(bot, 'A'), oneTimeKey(bot, 'B')]
    const fallback_keys = { 'signed_curve25519:F': { ...oneTimeKey(bot, 'F'), fallback: true } }
    const before = { 'signed_curve25519:1': key, 'signed_curve25519:2': key }
    const identity = identityKeys(bot)
    await upload({ device_keys: identity, one_time_keys: before, fallback_keys })
    const anew = { 'signed_curve25519:1': other }
    t.regex((await upload({ one_time_keys: anew })).error, /already exists/)
    const signed = { ...identity, signatures: { [bot.userId]: { 'ed25519:more': 'c2ln' } } }
    t.regex((await upload({ device_keys: signed, one_time_keys: anew })).error, /already exists/)
    const abler = { ...identity, algorithms: ['m.olm.v1.curve25519-aes-sha2'] }
    t.regex((await upload({ device_keys: abler, one_time_keys: anew })).error, /already exists/)
    t.is((await upload({ device_keys: abler })).one_time_key_counts.signed_curve25519, 2)
    t.deepEqual((await bot.sync()).device_unused_fallback_key_types, ['signed_curve25519'])
    const another = { ...identity, keys: { [`ed25519:${bot.deviceId}`]: 'bmV3' } }
    t.deepEqual(await upload({ device_keys: another, one_time_keys: anew }), {
      one_time_key_counts: { signed_curve25519: 1 },
    })
    const claims = await Promise.all([claim(bob, bot), claim(bob, bot)])
    t.deepEqual(claims.toSorted(), ['signed_curve25519:1', undefined])
    t.deepEqual((await bot.sync()).device_unused_fallback_key_types, [])
  },
)

test('what stands under a name that is no user is refused like what stands under one', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const alice = await registered(server, 'alice')
  for (const name of ['nobody', '', '__proto__', alice.userId]) {
    const entry = JSON.parse(`{${JSON.stringify(name)}:null}`) as object
    const refused = async (method: string, path: string, body: object) =>
      t.is((await alice.call(method, path, body)).errcode, 'M_BAD_JSON', `${path} "${name}"`)
    await refused('POST', '/keys/claim', { one_time_keys: entry })
    await refused('POST', '/keys/query', { device_keys: entry })
    await refused('POST', '/keys/signatures/upload', entry)
    await refused('PUT', '/sendToDevice/m.test/1', { messages: entry })
  }
})

test('keys that have no canonical form, which nobody can have signed nor be told of, are refused', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const alice = await registered(server, 'alice')
  for (const oddity of ['\ud800', 0.5]) {
    const upload = async (keys: object) => (await alice.call('POST', '/keys/upload', keys)).errcode
    t.is(await upload({ device_keys: { ...identityKeys(alice), oddity } }), 'M_BAD_JSON')
    const odd = { 'signed_curve25519:X': { ...oneTimeKey(alice, 'X'), oddity } }
    t.is(await upload({ one_time_keys: odd }), 'M_BAD_JSON')
    t.is(await upload({ fallback_keys: odd }), 'M_BAD_JSON')
  }
})

testDatabases(
  test,
  'a claimed key ID may stand for a new key, an unclaimed one may not',
  async (t, _, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const alice = await registered(server, 'alice')
    const restored = testDevice(server, alice)
    await alice.call('POST', '/keys/upload', { one_time_keys: oneTimeKeys(alice, ['X']) })
    const other = { 'signed_curve25519:X': oneTimeKey(restored, 'another') }
    const refused = await alice.call('POST', '/keys/upload', { one_time_keys: other })
    t.is(refused.errcode, 'M_INVALID_PARAM')
    t.true(refused.error.startsWith('One time key '), 'so matrix-rust-sdk knows it')
    // The same key under another signature is the same key.
    const signedAgain = { 'signed_curve25519:X': oneTimeKey(restored, 'X') }
    t.is((await alice.call('POST', '/keys/upload', { one_time_keys: signedAgain })).errcode, undefined)
    t.is(await claim(alice, alice), 'signed_curve25519:X')
    t.deepEqual(await alice.call('POST', '/keys/upload', { one_time_keys: other }), {
      one_time_key_counts: { signed_curve25519: 1 },
    })
    t.is(await claim(alice, alice), 'signed_curve25519:X')
    t.is(await claim(alice, alice), undefined)
  },
)

testDatabases(
  test,
  'fallback keys answer when nothing else is left, and say that they did',
  async (t, _, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const [alice, bob] = [await registered(server, 'alice'), await registered(server, 'bob')]
    const fallback = (name: string) => ({
      [`signed_curve25519:${name}`]: oneTimeKey(alice, name, { fallback: true }),
    })
    await alice.call('POST', '/keys/upload', {
      device_keys: identityKeys(alice),
      one_time_keys: oneTimeKeys(alice, ['once']),
      fallback_keys: fallback('F1'),
    })
    const unused = async () => (await alice.sync()).device_unused_fallback_key_types
    t.is(await claim(bob, alice), 'signed_curve25519:once')
    t.deepEqual(await unused(), ['signed_curve25519'])
    t.is(await claim(bob, alice), 'signed_curve25519:F1')
    t.is(await claim(bob, alice), 'signed_curve25519:F1')
    t.deepEqual(await unused(), [])
    await alice.call('POST', '/keys/upload', { fallback_keys: fallback('F1') })
    t.deepEqual(await unused(), [], 'the same key once more stays used')
    await alice.call('POST', '/keys/upload', { fallback_keys: fallback('F2') })
    t.deepEqual(await unused(), ['signed_curve25519'])
    t.is(await claim(bob, alice), 'signed_curve25519:F2')
    const two = { fallback_keys: { ...fallback('F3'), ...fallback('F4') } }
    t.is((await alice.call('POST', '/keys/upload', two)).errcode, 'M_INVALID_PARAM')
  },
)

testDatabases(
  test,
  'keys are those of the device that uploads them, and go with it',
  async (t, _, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const [alice, bob] = [await registered(server, 'alice'), await registered(server, 'bob')]
    const phone = testDevice(server, await server.login('alice'))
    const upload = (by: TestDevice, keys: unknown) => by.call('POST', '/keys/upload', { device_keys: keys })
    t.is((await upload(alice, identityKeys(phone))).errcode, 'M_INVALID_PARAM')
    t.is((await upload(alice, identityKeys(bob))).errcode, 'M_INVALID_PARAM')
    await upload(alice, identityKeys(alice))
    await phone.call('POST', '/keys/upload', {
      device_keys: identityKeys(phone),
      one_time_keys: oneTimeKeys(phone, ['P']),
    })
    await phone.call('PUT', `/devices/${phone.deviceId}`, { display_name: 'My phone' })
    const query = async (devices: string[] = []) =>
      (await bob.call('POST', '/keys/query', { device_keys: { [alice.userId]: devices } })).device_keys[
        alice.userId
      ]
    t.deepEqual(await query(), {
      [alice.deviceId]: { ...identityKeys(alice), unsigned: {} },
      [phone.deviceId]: { ...identityKeys(phone), unsigned: { device_display_name: 'My phone' } },
    })
    t.deepEqual(Object.keys(await query([alice.deviceId])), [alice.deviceId])
    await phone.call('POST', '/logout')
    t.deepEqual(Object.keys(await query()), [alice.deviceId])
    t.is(await claim(bob, phone), undefined)
    const nobodys = { one_time_keys: { nobody: { D: 'signed_curve25519' } } }
    t.deepEqual(await bob.call('POST', '/keys/claim', nobodys), { failures: {}, one_time_keys: {} })
    const unknown = { device_keys: { '@nobody:localhost': [] } }
    t.deepEqual((await bob.call('POST', '/keys/query', unknown)).device_keys, {})
  },
)

testPostgres(test, 'two processes never give out the same key', async (t, _, database) => {
  const servers = [await startTestServer({ database }), await startTestServer({ database })] as const
  t.teardown(() => Promise.all(servers.map(server => server.close())))
  const alice = await registered(servers[0], 'alice')
  const names = Array.from({ length: 60 }, (_, index) => `K${index}`)
  await alice.call('POST', '/keys/upload', { one_time_keys: oneTimeKeys(alice, names) })
  const there = testDevice(servers[1], alice)
  const claims = await Promise.all(
    Array.from({ length: 80 }, (_, index) => claim(index % 2 === 0 ? alice : there, alice)),
  )
  const given = claims.filter(key => key !== undefined)
  t.is(given.length, 60, 'none is left behind either')
  t.is(new Set(given).size, 60)
  const left = async () => (await there.sync()).device_one_time_keys_count.signed_curve25519
  t.is(await left(), 0)
  await alice.call('POST', '/keys/upload', { one_time_keys: oneTimeKeys(alice, ['more', 'most']) })
  await eventually('the other process tells of new keys', async () => (await left()) === 2)
  await claim(alice, alice)
  await eventually('and of those that are gone', async () => (await left()) === 1)
})
