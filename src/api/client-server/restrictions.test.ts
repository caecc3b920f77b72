import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { startPeer } from '../../test-kit/federation.ts'
import { aliceAndBob, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { testAuthority } from '../../test-kit/tls.ts'

test('who sees whom, and changes what, as the operator has it', async t => {
  const server = await startTestServer({
    settings: {
      profiles: { visible_to: 'rooms', over_federation: false, fixed_fields: ['displayname'] },
      room_directory: { without_account: false },
    },
  })
  t.teardown(() => server.close())
  const { alice, bob } = await aliceAndBob(server)
  const carol = await registerPerson(server, 'carol')
  const ofBob = `/profile/${bob.userId}`

  t.is((await server.request('GET', `/_matrix/client/v3${ofBob}`)).status, 401)
  t.is((await server.request('GET', `/_matrix/client/v3${ofBob}/displayname`)).status, 401)
  t.is(await alice.code('GET', ofBob), '403 M_FORBIDDEN')
  t.is(await bob.code('GET', ofBob), '200 -', 'their own')
  const room = await alice.createRoom({ invite: [bob.userId] })
  t.is(await alice.code('GET', ofBob), '403 M_FORBIDDEN', 'an invitation is not a room in common')
  await bob.join(room)
  t.is(await alice.code('GET', `${ofBob}/displayname`), '200 -')
  t.is(await carol.code('GET', ofBob), '403 M_FORBIDDEN')
  await bob.createOpenRoom()
  t.is(await carol.code('GET', ofBob), '200 -', 'whoever is in an open room is visible to all')

  t.is(await bob.code('PUT', `${ofBob}/displayname`, { displayname: 'Bobby' }), '403 M_FORBIDDEN')
  t.is(await bob.code('DELETE', `${ofBob}/displayname`), '403 M_FORBIDDEN')
  t.is(await bob.code('PUT', `${ofBob}/avatar_url`, { avatar_url: 'mxc://localhost/bob' }), '200 -')
  const carols = `/profile/${carol.userId}/avatar_url`
  t.is(await carol.code('PUT', carols, { avatar_url: 'mxc://localhost/carol' }), '200 -')
  const dan = await registerPerson(server, 'dan')
  const icon = `/_matrix/client/v1/chat.tessera/users/${carol.userId}/icon`
  const iconFor = async (token: string) => (await server.request('GET', icon, { token })).status
  t.deepEqual([await iconFor(carol.accessToken), await iconFor(dan.accessToken)], [307, 200])
  t.like((await bob.get('/capabilities'))['capabilities'], {
    'm.set_displayname': { enabled: false },
    'm.set_avatar_url': { enabled: true },
    'm.profile_fields': { enabled: true, disallowed: ['displayname'] },
  })

  t.is((await server.request('GET', '/_matrix/client/v3/publicRooms')).status, 401)
  t.is(await alice.code('GET', '/publicRooms'), '200 -')
})

test('who may make rooms, aliases and entries of the directory, as the operator has it', async t => {
  const server = await startTestServer({
    settings: {
      rooms: { creation_rules: [{ action: 'allow', user: '@alice:*' }] },
      room_directory: {
        alias_rules: [
          { action: 'deny', alias: '#support*' },
          { action: 'allow', user: '@alice:*' },
        ],
        publication_rules: [{ action: 'allow', alias: '#open*' }],
      },
    },
  })
  t.teardown(() => server.close())
  const { alice, bob } = await aliceAndBob(server)
  const create = (options: object) => alice.code('POST', '/createRoom', options)
  t.is(await bob.code('POST', '/createRoom', {}), '403 M_FORBIDDEN')
  t.is(await create({ room_alias_name: 'support' }), '403 M_FORBIDDEN')
  t.like(
    await alice.request('POST', '/createRoom', { visibility: 'public' }),
    { status: 403, body: { errcode: 'M_UNKNOWN', error: 'Not allowed to publish room' } },
    'Element makes it once more, unlisted',
  )
  t.is(await create({ visibility: 'public', room_alias_name: 'open-1' }), '200 -')
  const own = await alice.createRoom({
    room_version: '10',
    invite: [bob.userId],
    power_level_content_override: { users: { [alice.userId]: 100, [bob.userId]: 100 } },
  })
  await bob.join(own)
  t.is(await bob.code('POST', `/rooms/${own}/upgrade`, { new_version: '11' }), '403 M_FORBIDDEN')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const alias = (name: string) => `/directory/room/${encodeURIComponent(`#${name}:localhost`)}`
  t.is(await alice.code('PUT', alias('support-2'), { room_id: room }), '403 M_FORBIDDEN')
  t.is(await bob.code('PUT', alias('tea'), { room_id: room }), '403 M_FORBIDDEN')
  const list = () => alice.code('PUT', `/directory/list/room/${room}`, { visibility: 'public' })
  t.is(await list(), '403 M_FORBIDDEN')
  t.is(await alice.code('PUT', alias('open-tea'), { room_id: room }), '200 -')
  t.is(await list(), '200 -')
  t.is(await alice.code('PUT', `/directory/list/room/${room}`, { visibility: 'private' }), '200 -')
})

test('names that nobody registers, servers whose files nobody wants, keys that sign no more', async t => {
  const peer = await startPeer(t)
  const caFile = join(temporaryDirectory(t), 'ca.pem')
  writeFileSync(caFile, (await testAuthority()).pem)
  const server = await startTestServer({
    settings: {
      ca_file: caFile,
      registration: { mode: 'open', forbidden_names: ['admin*', 'root'] },
      federation: { deny_addresses: [], hosts: Object.fromEntries([peer.hostsEntry]) },
      retired_signing_keys: {
        'ed25519:a_old': {
          public_key: '6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s=',
          expired: '2024-09-01',
        },
      },
      media: { deny_servers: [peer.serverName.toUpperCase()] },
    },
  })
  t.teardown(() => server.close())
  const available = async (name: string) =>
    (await server.request('GET', `/_matrix/client/v3/register/available?username=${name}`)).status
  t.deepEqual(await Promise.all(['Admin-1', 'root', 'groot'].map(available)), [400, 400, 200])
  await t.throwsAsync(server.register('administrator'), { message: /M_USER_IN_USE/ })

  const { body } = await server.request('GET', '/_matrix/key/v2/server')
  t.deepEqual((body as { old_verify_keys?: unknown }).old_verify_keys, {
    'ed25519:a_old': {
      key: '6yhHGKhCiXTSEN2ksjV7kX/N6rBQZ3Xb+M7LlC6NS+s',
      expired_ts: Date.parse('2024-09-01'),
    },
  })

  const alice = await registerPerson(server, 'alice')
  const download = `/_matrix/client/v1/media/download/${peer.serverName}/abc`
  t.is(await alice.code('GET', download), '404 M_NOT_FOUND')
  t.deepEqual(peer.requests, [], 'nobody is asked')
})
