import { randomBytes } from 'node:crypto'
import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { signingKeyFromSeed, signJson } from '../../core/signing.ts'
import { testDatabases } from '../../test-kit/database.ts'
import {
  type Body,
  identityKeys,
  registered,
  type TestDevice,
  testIdentity,
} from '../../test-kit/encryption.ts'
import { startTestServer, TEST_PASSWORD } from '../../test-kit/server.ts'

const SIGNING = '/keys/device_signing/upload'
const SIGNATURES = '/keys/signatures/upload'

const query = (by: TestDevice, userId: string): Promise<Body> =>
  by.call('POST', '/keys/query', { device_keys: { [userId]: [] } })

const password = (device: TestDevice, session: string) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user: device.userId },
  password: TEST_PASSWORD,
  session,
})

testDatabases(test, 'a first identity needs no password, another one does', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const alice = await registered(server, 'alice')
  const first = testIdentity(alice.userId)
  const { master_key: _master, ...withoutMaster } = first.upload
  for (const none of [withoutMaster, {}])
    t.is((await alice.call('POST', SIGNING, none)).errcode, 'M_MISSING_PARAM')
  const [once, meanwhile] = [first.upload, first.upload].map(body => alice.call('POST', SIGNING, body))
  t.deepEqual([await once, await meanwhile], [{}, {}], 'repeated before it is answered')
  t.deepEqual(await alice.call('POST', SIGNING, first.upload), {}, 'the same once more')
  const keys = await query(alice, alice.userId)
  t.deepEqual(keys.master_keys[alice.userId], first.upload.master_key)
  t.deepEqual(keys.self_signing_keys[alice.userId], first.upload.self_signing_key)
  t.deepEqual(keys.user_signing_keys[alice.userId], first.upload.user_signing_key)
  const second = testIdentity(alice.userId)
  const challenge = await alice.call('POST', SIGNING, second.upload)
  t.deepEqual(challenge.flows, [{ stages: ['m.login.password'] }])
  t.deepEqual((await query(alice, alice.userId)).master_keys[alice.userId], first.upload.master_key)
  const { master_key: newMaster } = second.upload
  const masterOnly = await alice.call('POST', SIGNING, { master_key: newMaster })
  const since = (await alice.sync()).next_batch
  t.deepEqual(
    await alice.call('POST', SIGNING, { master_key: newMaster, auth: password(alice, masterOnly.session) }),
    {},
  )
  const replaced = await query(alice, alice.userId)
  t.deepEqual(replaced.master_keys[alice.userId], newMaster)
  t.deepEqual(replaced.self_signing_keys, {}, 'what the former master key has signed is worth nothing')
  t.deepEqual((await alice.sync(since)).device_lists.changed, [alice.userId])
})

testDatabases(
  test,
  'keys that a new master key signs stay, with what they have signed',
  async (t, _, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const alice = await registered(server, 'alice')
    const [first, second] = [testIdentity(alice.userId), testIdentity(alice.userId)]
    await alice.call('POST', '/keys/upload', { device_keys: identityKeys(alice) })
    await alice.call('POST', SIGNING, first.upload)
    const device = signJson(identityKeys(alice), alice.userId, first.selfSigning)
    await alice.call('POST', SIGNATURES, { [alice.userId]: { [alice.deviceId]: device } })
    const { signatures: _signatures, ...unsigned } = first.upload.self_signing_key
    const upload = {
      master_key: second.upload.master_key,
      self_signing_key: signJson(unsigned, alice.userId, second.master),
    }
    const { session } = await alice.call('POST', SIGNING, upload)
    t.deepEqual(await alice.call('POST', SIGNING, { ...upload, auth: password(alice, session) }), {})
    const keys = await query(alice, alice.userId)
    t.deepEqual(keys.master_keys[alice.userId], upload.master_key)
    t.deepEqual(keys.self_signing_keys[alice.userId], upload.self_signing_key)
    t.deepEqual(keys.user_signing_keys, {})
    const { signatures } = keys.device_keys[alice.userId][alice.deviceId]
    t.deepEqual(signatures, device.signatures)
  },
)

testDatabases(test, 'only keys that are what they say are taken', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const alice = await registered(server, 'alice')
  const [mine, other] = [testIdentity(alice.userId), testIdentity(alice.userId)]
  const refused = async (upload: object) => (await alice.call('POST', SIGNING, upload)).errcode
  const forged = { ...mine.upload, self_signing_key: other.upload.self_signing_key }
  t.is(await refused(forged), 'M_INVALID_SIGNATURE')
  t.is(await refused({ master_key: testIdentity('@bob:localhost').upload.master_key }), 'M_INVALID_PARAM')
  t.is(await refused({ master_key: mine.upload.self_signing_key }), 'M_INVALID_PARAM')
  for (const oddity of ['\ud800', 0.5]) {
    const unsignable = { ...mine.upload.master_key, oddity }
    t.is(await refused({ master_key: unsignable }), 'M_BAD_JSON', 'it has no canonical form')
  }
  const logIn = async (device_id: string) => {
    const identifier = { type: 'm.id.user', user: 'alice' }
    const json = { type: 'm.login.password', identifier, password: TEST_PASSWORD, device_id }
    const { body } = await server.request('POST', '/_matrix/client/v3/login', { json })
    return body as Body
  }
  t.is((await logIn(mine.master.publicKey)).device_id, mine.master.publicKey)
  t.is(await refused(mine.upload), 'M_FORBIDDEN', 'a device of that ID is there')
  t.deepEqual(await alice.call('POST', SIGNING, other.upload), {})
  for (const { publicKey } of [other.master, other.selfSigning, other.userSigning])
    t.is((await logIn(publicKey)).errcode, 'M_FORBIDDEN', 'a key of that ID is there')
})

testDatabases(test, 'signatures are checked, stored, and seen by those who may', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const [alice, bob, carol] = [
    await registered(server, 'alice'),
    await registered(server, 'bob'),
    await registered(server, 'carol'),
  ]
  const [alices, bobs] = [testIdentity(alice.userId), testIdentity(bob.userId)]
  for (const [device, identity] of [
    [alice, alices],
    [bob, bobs],
  ] as const) {
    await device.call('POST', '/keys/upload', { device_keys: identityKeys(device) })
    await device.call('POST', SIGNING, identity.upload)
  }
  const ownDevice = signJson(identityKeys(alice), alice.userId, alices.selfSigning)
  const ownMaster = signJson(alices.upload.master_key, alice.userId, alice.key)
  const bobsMaster = signJson(bobs.upload.master_key, alice.userId, alices.userSigning)
  const upload = (body: JsonObject) => alice.call('POST', SIGNATURES, body)
  const wrong = await upload({
    [alice.userId]: {
      [alice.deviceId]: signJson(identityKeys(alice), alice.userId, alices.userSigning),
      [alices.master.publicKey]: signJson(alices.upload.master_key, alice.userId, bob.key),
      NOBODY: ownDevice,
    },
    [bob.userId]: {
      [bobs.master.publicKey]: signJson(
        { ...bobs.upload.master_key, more: 1 },
        alice.userId,
        alices.userSigning,
      ),
      [bob.deviceId]: identityKeys(bob),
    },
  })
  const codes = (failures: Body) =>
    Object.fromEntries(Object.entries<Body>(failures).map(([key, error]) => [key, error.errcode]))
  t.deepEqual(codes(wrong.failures[alice.userId]), {
    [alice.deviceId]: 'M_INVALID_SIGNATURE',
    [alices.master.publicKey]: 'M_INVALID_SIGNATURE',
    NOBODY: 'M_NOT_FOUND',
  })
  t.deepEqual(codes(wrong.failures[bob.userId]), {
    [bobs.master.publicKey]: 'M_INVALID_PARAM',
    [bob.deviceId]: 'M_NOT_FOUND',
  })
  const { next_batch: since } = await alice.sync()
  const good = {
    [alice.userId]: { [alice.deviceId]: ownDevice, [alices.master.publicKey]: ownMaster },
    [bob.userId]: { [bobs.master.publicKey]: bobsMaster },
  }
  t.deepEqual(await upload(good), { failures: {} })
  t.deepEqual((await alice.sync(since)).device_lists.changed.toSorted(), [alice.userId, bob.userId])
  t.deepEqual((await bob.sync(since)).device_lists, undefined, 'Bob does not learn who has signed him')
  const { next_batch: told } = await alice.sync()
  t.deepEqual(await upload(good), { failures: {} })
  t.is((await alice.sync(told)).device_lists, undefined, 'the same signatures once more')
  const seenBy = async (viewer: TestDevice) => ({
    device: (await query(viewer, alice.userId)).device_keys[alice.userId][alice.deviceId],
    master: (await query(viewer, alice.userId)).master_keys[alice.userId],
    bobs: (await query(viewer, bob.userId)).master_keys[bob.userId],
  })
  const device = { ...ownDevice, unsigned: {} }
  t.deepEqual(await seenBy(alice), { device, master: ownMaster, bobs: bobsMaster })
  t.deepEqual(await seenBy(carol), { device, master: ownMaster, bobs: bobs.upload.master_key })
  t.deepEqual((await query(carol, alice.userId)).user_signing_keys, {})
  const isVerified = async () =>
    alices.selfSigning.keyId in (await seenBy(bob)).device.signatures[alice.userId]
  const again = (device_keys: JsonObject) => alice.call('POST', '/keys/upload', { device_keys })
  const { next_batch: signed } = await alice.sync()
  await again(Object.fromEntries(Object.entries(identityKeys(alice)).toReversed()))
  t.is((await alice.sync(signed)).device_lists, undefined, 'the same keys, written otherwise')
  await again(signJson({ ...identityKeys(alice), signatures: {} }, alice.userId, alices.userSigning))
  t.true(await isVerified(), 'the same keys with another signature')
  await again(identityKeys({ ...alice, key: signingKeyFromSeed(alice.key.keyId, randomBytes(32)) }))
  t.false(await isVerified(), 'what was signed were other keys')
})
