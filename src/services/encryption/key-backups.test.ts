import test from 'ava'
import fc from 'fast-check'
import { KeyBackupWriter } from '../../storage/encryption/key-backup-writer.ts'
import type { BackedUpKey } from '../../storage/encryption/key-backups.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { type Body, registered } from '../../test-kit/encryption.ts'
import { ALICE, remoteDevicesWorld } from '../../test-kit/remote-devices-world.ts'
import { startTestServer, TEST_PASSWORD } from '../../test-kit/server.ts'
import { isBetterKey } from './better-key.ts'

const ALGORITHM = 'm.megolm_backup.v1.curve25519-aes-sha2'
const room = encodeURIComponent('!room:localhost')

const key = (more: object = {}) => ({
  first_message_index: 5,
  forwarded_count: 3,
  is_verified: false,
  session_data: { ciphertext: 'abc' },
  ...more,
})

testDatabases(
  test,
  'versions follow each other and are never given out twice',
  async (t, stored, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const alice = await registered(server, 'alice')
    const create = async () =>
      (
        await alice.call('POST', '/room_keys/version', {
          algorithm: ALGORITHM,
          auth_data: { public_key: 'x' },
        })
      ).version
    t.is((await alice.call('GET', '/room_keys/version')).errcode, 'M_NOT_FOUND')
    t.is(await create(), '1')
    t.is(await create(), '2')
    const described = { algorithm: ALGORITHM, auth_data: { public_key: 'x' }, count: 0, etag: '0' }
    t.deepEqual(await alice.call('GET', '/room_keys/version'), { ...described, version: '2' })
    t.deepEqual(await alice.call('GET', '/room_keys/version/1'), { ...described, version: '1' })
    const update = (body: object) =>
      alice.call('PUT', '/room_keys/version/2', {
        algorithm: ALGORITHM,
        auth_data: { public_key: 'y' },
        ...body,
      })
    t.is((await update({ algorithm: 'm.other' })).errcode, 'M_INVALID_PARAM')
    t.is((await update({ version: '1' })).errcode, 'M_INVALID_PARAM')
    t.deepEqual(await update({ version: '2' }), {})
    t.deepEqual((await alice.call('GET', '/room_keys/version')).auth_data, { public_key: 'y' })
    t.deepEqual(await alice.call('DELETE', '/room_keys/version/2'), {})
    t.deepEqual(await alice.call('DELETE', '/room_keys/version/2'), {}, 'deleted before')
    for (const never of ['3', '0', 'x'])
      t.is((await alice.call('DELETE', `/room_keys/version/${never}`)).errcode, 'M_NOT_FOUND', never)
    t.is((await alice.call('GET', '/room_keys/version/2')).errcode, 'M_NOT_FOUND')
    t.is((await alice.call('GET', '/room_keys/version')).version, '1')
    t.deepEqual((await Promise.all([create(), create(), create()])).toSorted(), ['3', '4', '5'])
    for (const version of ['4', '5', '3', '2', '4']) {
      t.deepEqual(await alice.call('DELETE', `/room_keys/version/${version}`), {}, version)
    }
    t.is((await alice.call('DELETE', '/room_keys/version/6')).errcode, 'M_NOT_FOUND')
    const rows = await stored.all(stored.prepare('SELECT version FROM key_backups ORDER BY version'))
    t.deepEqual(rows, [{ version: 1 }, { version: 5 }], 'of what is deleted only the count is kept')
    t.is(await create(), '6')
    await alice.call('PUT', `/room_keys/keys/${room}/s1?version=6`, key())
    const writer = new KeyBackupWriter(stored)
    const more = Array.from({ length: 97 }, () => writer.create(alice.userId, ALGORITHM, '{}')).flat()
    await stored.commit({ statements: more })
    t.is(await create(), '104', 'the hundredth with those of before: 1, 6, 7…')
    t.is((await alice.call('GET', '/room_keys/version/1')).version, '1')
    for (const version of ['105', '106']) t.is(await create(), version)
    for (const version of ['1', '6']) {
      t.is((await alice.call('GET', `/room_keys/version/${version}`)).errcode, 'M_NOT_FOUND')
      t.deepEqual(
        await alice.call('DELETE', `/room_keys/version/${version}`),
        {},
        'as if it had been deleted',
      )
    }
    t.is((await alice.call('GET', '/room_keys/version/7')).version, '7')
    t.deepEqual(await stored.all(stored.prepare('SELECT * FROM backed_up_keys')), [])
    const bob = await registered(server, 'bob')
    for (const { call } of [alice, bob]) {
      const { version } = await call('POST', '/room_keys/version', { algorithm: ALGORITHM, auth_data: {} })
      await call('PUT', `/room_keys/keys/${room}/s1?version=${version}`, key())
    }
    const usersWith = async (table: string) =>
      (await stored.all<{ id: string }>(stored.prepare(`SELECT DISTINCT user_id AS id FROM ${table}`)))
        .map(({ id }) => id)
        .toSorted()
    t.deepEqual(await usersWith('backed_up_keys'), [alice.userId, bob.userId])
    const identifier = { type: 'm.id.user', user: alice.userId }
    const auth = { type: 'm.login.password', identifier, password: TEST_PASSWORD }
    const { session } = await alice.call('POST', '/account/deactivate', {})
    await alice.call('POST', '/account/deactivate', { auth: { ...auth, session } })
    for (const table of ['key_backups', 'backed_up_keys'])
      t.deepEqual(await usersWith(table), [bob.userId], 'an account that ends takes its backups with it')
  },
)

testDatabases(
  test,
  'keys go into the current version, are counted, and come back',
  async (t, _, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const alice = await registered(server, 'alice')
    const create = () => alice.call('POST', '/room_keys/version', { algorithm: ALGORITHM, auth_data: {} })
    const call = (method: string, path: string, json?: unknown, version = '2'): Promise<Body> =>
      alice.call(method, `/room_keys/keys${path}?version=${version}`, json)
    t.is((await call('PUT', `/${room}/s1`, key())).errcode, 'M_NOT_FOUND', 'there is no backup')
    for (let version = 1; version <= 2; version++) await create()
    for (const other of ['1', '3', 'x'])
      t.is((await call('PUT', `/${room}/s1`, key(), other)).errcode, 'M_WRONG_ROOM_KEYS_VERSION', other)
    t.is((await call('PUT', `/${room}/s1`, key(), '1')).current_version, '2')
    t.deepEqual(await call('GET', ''), { rooms: {} })
    t.deepEqual(await call('PUT', `/${room}/s1`, key()), { etag: '1', count: 1 })
    t.deepEqual(await call('PUT', `/${room}`, { sessions: { s1: key(), s2: key() } }), {
      etag: '2',
      count: 2,
    })
    t.deepEqual(await call('PUT', `/${room}/s1`, key()), { etag: '2', count: 2 }, 'nothing new')
    const rooms = { '!other:localhost': { sessions: { s3: key(), s4: key() } } }
    t.deepEqual(await call('PUT', '', { rooms }), { etag: '3', count: 4 })
    t.deepEqual(await call('GET', `/${room}/s1`), key())
    t.deepEqual(await call('GET', `/${room}`), { sessions: { s1: key(), s2: key() } })
    t.deepEqual(await call('GET', ''), {
      rooms: { '!room:localhost': { sessions: { s1: key(), s2: key() } }, ...rooms },
    })
    t.is((await call('GET', `/${room}/nothing`)).errcode, 'M_NOT_FOUND')
    t.deepEqual(await call('GET', `/${encodeURIComponent('!nowhere:localhost')}`), { sessions: {} })
    t.is((await call('GET', '', undefined, '9')).errcode, 'M_NOT_FOUND')
    t.deepEqual(await call('DELETE', `/${room}/s1`), { etag: '4', count: 3 })
    t.deepEqual(await call('DELETE', `/${room}/s1`), { etag: '4', count: 3 })
    t.deepEqual(await call('DELETE', `/${room}`), { etag: '5', count: 2 })
    t.deepEqual(await call('DELETE', ''), { etag: '6', count: 0 })
    t.is((await call('PUT', `/${room}/s1`, key({ first_message_index: -1 }))).errcode, 'M_INVALID_PARAM')
    for (const rooms of [{ room: { sessions: {} } }, { '!room:localhost': { sessions: { '': key() } } }])
      t.is((await call('PUT', '', { rooms })).errcode, 'M_INVALID_PARAM', JSON.stringify(rooms))
    t.is((await call('PUT', '', { rooms: { room: null } })).errcode, 'M_BAD_JSON')
  },
)

testDatabases(test, 'uploads at once all count; a large backup comes back whole', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const alice = await registered(server, 'alice')
  await alice.call('POST', '/room_keys/version', { algorithm: ALGORITHM, auth_data: {} })
  const sessions = (of: string) =>
    Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`${of}${index}`, key()]))
  const upload = (of: string) =>
    alice.call('PUT', `/room_keys/keys/${encodeURIComponent(`!${of}:localhost`)}?version=1`, {
      sessions: sessions(of),
    })
  await Promise.all(['a', 'b', 'c', 'd'].map(upload))
  const { count, etag } = await alice.call('GET', '/room_keys/version')
  t.deepEqual({ count, etag }, { count: 1600, etag: '4' })
  const all = await alice.call('GET', '/room_keys/keys?version=1')
  t.deepEqual(
    Object.fromEntries(
      Object.entries<Body>(all.rooms).map(([id, of]) => [id, Object.keys(of.sessions).length]),
    ),
    { '!a:localhost': 400, '!b:localhost': 400, '!c:localhost': 400, '!d:localhost': 400 },
  )
})

testDatabases(test, 'a huge upload is stored in parts, between which others write', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const { backups } = encryption
  await backups.create(ALICE, ALGORITHM, {})
  const { commit } = database
  let most = 0
  database.commit = set => {
    for (const { rows } of set.statements) most = Math.max(most, rows.length)
    return commit.call(database, set)
  }
  const keys = Array.from({ length: 1_200 }, (_, n) => ({
    ...{ roomId: `!r${n % 7}:near.test`, sessionId: `s${n}`, firstMessageIndex: 0, forwardedCount: 0 },
    ...{ isVerified: true, sessionData: '{}' },
  }))
  t.is((await backups.putKeys(ALICE, '1', keys)).count, 1_200)
  t.is(most, 500)
  const again = await backups.putKeys(ALICE, '1', keys)
  t.is(again.count, 1_200)
  t.deepEqual(await backups.putKeys(ALICE, '1', []), again)
})

test('better keys win, in an order that has no circles', t => {
  const keys = fc.record({
    roomId: fc.constant('!r'),
    sessionId: fc.constant('s'),
    firstMessageIndex: fc.nat(3),
    forwardedCount: fc.nat(3),
    isVerified: fc.boolean(),
    sessionData: fc.constant('{}'),
  })
  const rank = (one: BackedUpKey) =>
    [one.isVerified ? 0 : 1, one.firstMessageIndex, one.forwardedCount].join()
  fc.assert(
    fc.property(
      keys,
      keys,
      (uploaded, stored) => isBetterKey(uploaded, stored) === rank(uploaded) < rank(stored),
    ),
  )
  t.pass()
})
