import test from 'ava'
import { aliceAndBob, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

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
