import test from 'ava'
import { signJson } from '../../core/signing.ts'
import { testDatabases } from '../../test-kit/database.ts'
import {
  type Body,
  identityKeys,
  oneTimeKey,
  oneTimeKeys,
  registered,
  type TestDevice,
  type TestIdentity,
  testDevice,
  testIdentity,
} from '../../test-kit/encryption.ts'
import { startTestServer } from '../../test-kit/server.ts'

const PATH = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device'

const uploadBy = (identity: TestIdentity) => (of: TestDevice) => ({
  device_id: of.deviceId,
  device_data: { algorithm: 'org.matrix.msc3814.v2', pickle: of.deviceId },
  initial_device_display_name: 'dehydrated',
  device_keys: signJson({ ...identityKeys(of), dehydrated: true }, of.userId, identity.selfSigning),
  one_time_keys: oneTimeKeys(of, ['A']),
  fallback_keys: { 'signed_curve25519:F': oneTimeKey(of, 'F', { fallback: true }) },
})

testDatabases(test, 'a dehydrated device receives, is taken up, and is replaced', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const [alice, bob] = [await registered(server, 'alice'), await registered(server, 'bob')]
  const sleeper = (deviceId: string) => testDevice(server, { ...alice, deviceId })
  const [one, two] = [sleeper('ONE'), sleeper('TWO')]
  const identity = testIdentity(alice.userId)
  const upload = uploadBy(identity)
  t.is((await alice.call('GET', PATH)).errcode, 'M_NOT_FOUND')
  t.is((await alice.call('PUT', PATH, upload(one))).errcode, 'M_INVALID_SIGNATURE', 'nobody signs yet')
  await alice.call('POST', '/keys/device_signing/upload', identity.upload)
  const forged = uploadBy(testIdentity(alice.userId))(one)
  t.is((await alice.call('PUT', PATH, forged)).errcode, 'M_INVALID_SIGNATURE')
  const { fallback_keys: _fallback, ...withoutFallback } = upload(one)
  t.is((await alice.call('PUT', PATH, withoutFallback)).errcode, 'M_MISSING_PARAM')
  t.is((await alice.call('PUT', PATH, { ...upload(one), device_id: alice.deviceId })).errcode, 'M_FORBIDDEN')
  t.deepEqual(await alice.call('PUT', PATH, upload(one)), { device_id: 'ONE' })
  t.deepEqual(await alice.call('PUT', PATH, upload(one)), { device_id: 'ONE' }, 'once more')
  t.deepEqual(await alice.call('GET', PATH), { device_id: 'ONE', device_data: upload(one).device_data })
  const devices = async () => {
    const { device_keys: keys } = await bob.call('POST', '/keys/query', {
      device_keys: { [alice.userId]: [] },
    })
    return Object.entries<Body>(keys[alice.userId]).map(([id, { dehydrated }]) => `${id} ${dehydrated}`)
  }
  t.deepEqual(await devices(), ['ONE true'], 'others see what it is')
  const crowd = ['A', 'B', 'C', 'D'].map(id => alice.call('PUT', PATH, upload(sleeper(id))))
  t.deepEqual(
    (await Promise.all(crowd)).map(body => body.device_id),
    ['A', 'B', 'C', 'D'],
  )
  const { device_id: last } = await alice.call('GET', PATH)
  t.deepEqual(await devices(), [`${last} true`], 'only one is there, however many are uploaded at once')
  await alice.call('PUT', PATH, upload(one))
  const claimed = await bob.call('POST', '/keys/claim', {
    one_time_keys: { [alice.userId]: { ONE: 'signed_curve25519' } },
  })
  t.deepEqual(Object.keys(claimed.one_time_keys[alice.userId].ONE), ['signed_curve25519:A'])
  await Promise.all(
    Array.from({ length: 120 }, (_, n) =>
      bob.call('PUT', `/sendToDevice/m.test/${n}`, { messages: { [alice.userId]: { ONE: { n } } } }),
    ),
  )
  const events = (id: string, from?: string): Promise<Body> =>
    alice.call('GET', `${PATH}/${id}/events${from === undefined ? '' : `?from=${from}`}`)
  for (let round = 0; round < 2; round++) {
    const first = await events('ONE')
    const second = await events('ONE', first.next_batch)
    t.deepEqual([first.events.length, second.events.length, second.next_batch], [100, 20, undefined])
  }
  t.is((await events('OTHER')).errcode, 'M_FORBIDDEN')
  t.deepEqual(await alice.call('PUT', PATH, upload(two)), { device_id: 'TWO' })
  t.deepEqual(await devices(), ['TWO true'])
  t.is((await events('ONE')).errcode, 'M_FORBIDDEN')
  t.deepEqual((await events('TWO')).events, [])
  t.deepEqual(await alice.call('DELETE', PATH), { device_id: 'TWO' })
  t.is((await alice.call('DELETE', PATH)).errcode, 'M_NOT_FOUND')
  t.deepEqual(await devices(), [])

  // "can also be deleted by calling … `POST /logout/all`"
  await alice.call('PUT', PATH, upload(one))
  await alice.call('POST', '/logout/all', {})
  t.deepEqual(await devices(), [])
})
