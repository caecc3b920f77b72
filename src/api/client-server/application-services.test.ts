import test from 'ava'
import { BOT, GHOST, type Json, registerGhost, startWorld } from '../../test-kit/app-service-world.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { testIdentity } from '../../test-kit/encryption.ts'

testDatabases(
  test,
  'a service acts for its users, and is told what concerns them',
  async (t, _, database) => {
    const world = await startWorld(t, { database })
    const { service, alice, act } = world
    t.like(await act('GET', '/account/whoami'), { status: 200, body: { user_id: BOT } })
    t.is((await act('GET', '/account/whoami', undefined, GHOST)).code, '403 M_FORBIDDEN', 'not registered')
    t.like(await registerGhost(world), { status: 200, body: { user_id: GHOST } })
    t.is((await registerGhost(world)).code, '400 M_USER_IN_USE')
    t.is((await registerGhost(world, 'somebody')).code, '400 M_EXCLUSIVE')
    t.is((await act('GET', '/account/whoami', undefined, alice.userId)).code, '403 M_FORBIDDEN')

    const quiet = await alice.createRoom()
    await alice.say(quiet, 'between us')
    const room = await alice.createRoom({ preset: 'public_chat', invite: [GHOST] })
    t.is((await act('POST', `/join/${room}`, {}, GHOST)).status, 200)
    await alice.say(room, 'hello')
    const sent = await act(
      'PUT',
      `/rooms/${room}/send/m.room.message/1?ts=1000`,
      { msgtype: 'm.text', body: 'hi' },
      GHOST,
    )
    t.is(sent.status, 200)
    const members = () => act('GET', `/rooms/${room}/joined_members`)
    t.deepEqual(Object.keys((await members()).body['joined'] as Json).sort(), [GHOST, alice.userId])
    t.is((await act('POST', `/rooms/${room}/leave`, {}, GHOST)).status, 200)
    t.is((await members()).code, '403 M_FORBIDDEN', 'none of its users is in the room')
    await alice.say(room, 'gone')

    const event = await alice.get(`/rooms/${room}/event/${sent.body['event_id']}`)
    t.is(event['origin_server_ts'], 1000)
    await service.until(() =>
      service.told('events').some(({ content }) => (content as Json)['membership'] === 'leave'),
    )
    t.deepEqual(
      service
        .told('events')
        .map(({ type, content }) => (content as Json)['body'] ?? (content as Json)['membership'] ?? type),
      ['invite', 'join', 'hello', 'hi', 'leave'],
    )
    t.true(service.told('events').every(each => each['room_id'] === room))
    t.is(service.requests[0]?.token, 'hs-secret')
  },
)

test('the capitals in the name of a user of a service stay, and it acts as exactly that user', async t => {
  const world = await startWorld(t)
  const { alice, act } = world
  const ghost = '@_irc_Alice:localhost'
  t.like(await registerGhost(world, '_irc_Alice'), { status: 200, body: { user_id: ghost } })
  t.like(await registerGhost(world, '_irc_alice'), {
    status: 200,
    body: { user_id: '@_irc_alice:localhost' },
  })
  t.is((await registerGhost(world, '_irc_Alice')).code, '400 M_USER_IN_USE')
  t.is((await registerGhost(world, '_irc_Älice')).code, '400 M_INVALID_USERNAME')
  const room = await alice.createRoom({ preset: 'public_chat', invite: [ghost] })
  t.is((await act('POST', `/join/${room}`, {}, ghost)).status, 200)
  t.like((await act('GET', '/account/whoami', undefined, ghost)).body, { user_id: ghost })
  const members = await alice.get(`/rooms/${room}/joined_members`)
  t.deepEqual(Object.keys(members['joined'] as Json).sort(), [ghost, alice.userId])
})

test('devices of its users are the service’s to make, and what is sent to them reaches it', async t => {
  const world = await startWorld(t)
  const { service, server, alice, act } = world
  await registerGhost(world)
  const atOnce = ['Bridge', 'Bridge 2'].map(display_name =>
    act('PUT', '/devices/GHOSTLY', { display_name }, GHOST),
  )
  t.deepEqual((await Promise.all(atOnce)).map(({ status }) => status).toSorted(), [200, 201])
  t.like(await act('GET', '/account/whoami?device_id=GHOSTLY', undefined, GHOST), {
    body: { device_id: 'GHOSTLY' },
  })
  t.is((await act('GET', '/account/whoami?device_id=OTHER', undefined, GHOST)).code, '400 M_UNKNOWN_DEVICE')
  const keys = {
    one_time_keys: {
      'signed_curve25519:A': { key: 'AAAA', signatures: { [GHOST]: { 'ed25519:GHOSTLY': 'x' } } },
    },
  }
  t.is((await act('POST', '/keys/upload?device_id=GHOSTLY', keys, GHOST)).status, 200)
  await alice.put('/sendToDevice/m.dummy/1', { messages: { [GHOST]: { GHOSTLY: { a: 1 } } } })
  await service.until(() => service.told('to_device').length > 0)
  const message = {
    type: 'm.dummy',
    sender: alice.userId,
    to_user_id: GHOST,
    to_device_id: 'GHOSTLY',
    content: { a: 1 },
  }
  t.deepEqual(service.told('to_device'), [message])
  t.deepEqual(service.told('de.sorunome.msc2409.to_device'), [message])
  const counts = service.requests.find(({ body }) => body['to_device'])?.body['device_one_time_keys_count']
  t.deepEqual(counts, { [GHOST]: { GHOSTLY: { signed_curve25519: 1 } } })

  const room = await alice.createRoom({ preset: 'public_chat' })
  await act('POST', `/join/${room}`, {}, GHOST)
  const named = () =>
    service.requests.flatMap(
      ({ body }) => (body['device_lists'] as { changed: string[] } | undefined)?.changed ?? [],
    )
  await service.until(() => named().includes(alice.userId))
  t.is((await act('DELETE', '/devices/GHOSTLY', {}, GHOST)).status, 200, 'without further authentication')
  const identity = testIdentity(GHOST)
  for (const { upload } of [testIdentity(GHOST), identity])
    t.is((await act('POST', '/keys/device_signing/upload', upload, GHOST)).status, 200, 'nor here')
  const signingKey = `/devices/${encodeURIComponent(identity.master.publicKey)}`
  t.is((await act('PUT', signingKey, {}, GHOST)).code, '403 M_FORBIDDEN', 'no device is named like a key')
  t.like(await server.request('GET', '/_matrix/client/v3/login'), {
    body: {
      flows: [
        { type: 'm.login.password' },
        { type: 'm.login.token' },
        { type: 'm.login.sso' },
        { type: 'm.login.application_service' },
      ],
    },
  })
  const login = { type: 'm.login.application_service', identifier: { type: 'm.id.user', user: '_irc_ghost' } }
  t.like(await act('POST', '/login', login), { status: 200, body: { user_id: GHOST } })
  t.is(
    (await act('POST', '/login', { ...login, identifier: { type: 'm.id.user', user: 'alice' } })).code,
    '400 M_EXCLUSIVE',
  )
  for (const [token, status, errcode] of [
    [undefined, 401, 'M_MISSING_TOKEN'],
    ['as-other', 401, 'M_UNKNOWN_TOKEN'],
    [alice.accessToken, 401, 'M_UNKNOWN_TOKEN'],
  ] as const) {
    const answer = await server.request('POST', '/_matrix/client/v3/login', {
      json: login,
      ...(token === undefined ? {} : { token }),
    })
    t.like(answer, { status, body: { errcode } })
  }
  await act('POST', '/account/deactivate', {}, GHOST)
  t.is((await act('POST', '/login', login)).code, '403 M_USER_DEACTIVATED')
})

test('namespaces are kept, and users and rooms in them are made when they are asked for', async t => {
  const world = await startWorld(t)
  const { service, server, alice, act } = world
  const register = { username: '_irc_nosy', password: 'correct horse', auth: { type: 'm.login.dummy' } }
  t.like(await server.request('POST', '/_matrix/client/v3/register', { json: register }), {
    status: 400,
    body: { errcode: 'M_EXCLUSIVE' },
  })
  const own = await alice.createRoom()
  const alias = encodeURIComponent('#_irc_tea:localhost')
  t.is(await alice.code('PUT', `/directory/room/${alias}`, { room_id: own }), '400 M_EXCLUSIVE')
  t.is(await alice.code('POST', '/createRoom', { room_alias_name: '_irc_tea' }), '400 M_EXCLUSIVE')
  t.is(await alice.code('GET', `/directory/room/${alias}`), '404 M_NOT_FOUND')

  let room = ''
  service.answer = async ({ path }) => {
    if (path === `/_matrix/app/v1/rooms/${alias}`) {
      const { body } = await act('POST', '/createRoom', {
        preset: 'public_chat',
        room_alias_name: '_irc_tea',
      })
      room = String(body['room_id'])
      return {}
    }
    for (const name of ['_irc_ghost', '_irc_other']) {
      if (path !== `/_matrix/app/v1/users/${encodeURIComponent(`@${name}:localhost`)}`) continue
      await registerGhost(world, name)
      return {}
    }
    return path.includes('/transactions/') ? {} : { status: 404, body: {} }
  }
  t.is((await alice.get(`/directory/room/${alias}`))['room_id'], room)
  await alice.join('#_irc_tea:localhost')
  t.deepEqual(await alice.get(`/profile/${GHOST}`), { displayname: '_irc_ghost' })
  const direct = (userId: string): Promise<string> =>
    alice.code('PUT', `/_matrix/client/v1/chat.tessera/direct/${userId}`, {})
  t.is(await direct('@_irc_other:localhost'), '200 -')
  t.is(await direct('@_irc_nobody:localhost'), '404 M_NOT_FOUND')
  t.is(await alice.code('DELETE', `/directory/room/${alias}`), '400 M_EXCLUSIVE')
  t.is((await act('DELETE', `/directory/room/${alias}`)).status, 200)
  t.is((await act('PUT', `/directory/room/${alias}`, { room_id: own })).status, 200, '“full control”')
})

test('networks of a service: protocols, places, people, and a directory of their own', async t => {
  const { service, alice, act, server } = await startWorld(t)
  t.is(await alice.code('GET', '/thirdparty/protocol/xmpp'), '404 M_NOT_FOUND')
  const instance = { desc: 'Libera', fields: { network: 'libera' }, network_id: 'libera' }
  const place = { alias: '#_irc_tea:localhost', protocol: 'irc', fields: { channel: '#tea' } }
  const person = { userid: GHOST, protocol: 'irc', fields: { nickname: 'ghost' } }
  const answers: Record<string, unknown> = {
    '/_matrix/app/v1/thirdparty/protocol/irc': {
      user_fields: ['nickname'],
      location_fields: ['channel'],
      icon: 'mxc://localhost/irc',
      field_types: {
        nickname: { regexp: '.*', placeholder: 'nick' },
        channel: { regexp: '#.*', placeholder: '#x' },
      },
      instances: [instance],
    },
    '/_matrix/app/v1/thirdparty/location/irc?channel=%23tea': [place, 'junk'],
    '/_matrix/app/v1/thirdparty/user?userid=%40_irc_ghost%3Alocalhost': [person],
  }
  service.answer = ({ path }) =>
    path in answers
      ? { body: answers[path] }
      : path.includes('/transactions/')
        ? {}
        : { status: 404, body: {} }
  const protocols = await alice.get('/thirdparty/protocols')
  t.like(protocols, { irc: { instances: [{ ...instance, instance_id: 'irc|libera' }] } })
  const locations = await alice.request('GET', '/thirdparty/location/irc?channel=%23tea')
  t.deepEqual(locations.body as unknown, [place])
  const users = await alice.request('GET', `/thirdparty/user?userid=${encodeURIComponent(GHOST)}`)
  t.deepEqual(users.body as unknown, [person])
  t.is(await alice.code('GET', '/thirdparty/user?userid=@nobody:localhost'), '404 M_NOT_FOUND')

  const room = String(
    (await act('POST', '/createRoom', { name: 'Tea', preset: 'public_chat' })).body['room_id'],
  )
  const list = `/directory/list/appservice/libera/${room}`
  t.is((await act('PUT', list, { visibility: 'public' })).status, 200)
  t.is(await alice.code('PUT', list, { visibility: 'public' }), '403 M_FORBIDDEN')
  const listed = async (body: Json) =>
    ((await alice.post('/publicRooms', body))['chunk'] as Json[]).map(each => each['room_id'])
  t.deepEqual(await listed({}), [])
  t.deepEqual(await listed({ third_party_instance_id: 'irc|libera' }), [room])
  t.deepEqual(await listed({ include_all_networks: true }), [room])
  const both = { third_party_instance_id: 'irc|libera', include_all_networks: true }
  t.is(await alice.code('POST', '/publicRooms', both), '400 M_INVALID_PARAM')
  await act('PUT', list, { visibility: 'private' })
  t.deepEqual(await listed({ third_party_instance_id: 'irc|libera' }), [])

  const ping = '/_matrix/client/v1/appservice/irc/ping'
  t.is((await act('POST', ping, { transaction_id: 'x' })).code, '502 M_BAD_STATUS')
  service.answer = () => ({})
  t.is((await act('POST', ping, { transaction_id: 'x' })).status, 200)
  t.deepEqual(service.requests.at(-1)?.body, { transaction_id: 'x' })
  t.is((await act('POST', '/_matrix/client/v1/appservice/other/ping', {})).code, '403 M_FORBIDDEN')
  t.like(await server.request('POST', ping, { token: alice.accessToken, json: {} }), { status: 403 })
})
