import test from 'ava'
import { type AdminAnswer, sharedAdministered, startAdministered } from '../../test-kit/administrator.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { TEST_PASSWORD } from '../../test-kit/server.ts'

const { started, close } = sharedAdministered()
test.after.always(close)

const namesOf = (body: AdminAnswer | string): string[] =>
  typeof body === 'string' ? [body] : (body['users'] as { name: string }[]).map(({ name }) => name)

test('whoever has a telephone number signs in with it, as it is dialled or not', async t => {
  const { ask, server } = await started()
  await ask('PUT', '/v2/users/@dialler:localhost', {
    password: TEST_PASSWORD,
    threepids: [{ medium: 'msisdn', address: '447700900001' }],
  })
  const login = async (identifier: object): Promise<number> => {
    const json = { type: 'm.login.password', password: TEST_PASSWORD, identifier }
    return (await server.request('POST', '/_matrix/client/v3/login', { json })).status
  }
  const phone = { type: 'm.id.phone', country: 'GB', phone: '07700 900001' }
  t.is(await login(phone), 200)
  t.is(await login({ ...phone, country: 'DE', phone: '+44 7700 900001' }), 200)
  t.is(await login({ type: 'm.id.thirdparty', medium: 'msisdn', address: '447700900001' }), 200)
  t.is(await login({ ...phone, country: 'DE' }), 403)
  t.is(await login({ ...phone, phone: 'call me' }), 403)
  t.is(await login({ ...phone, phone: 1 }), 400)
})

test('accounts are made, changed and listed', async t => {
  const { ask, server } = await started()
  const path = '/v2/users/@lister:localhost'
  t.is(await ask('GET', path), '404 M_NOT_FOUND')
  t.is(await ask('GET', '/v2/users/@a:elsewhere.test'), '400 M_INVALID_PARAM')
  const made = await ask('PUT', path, {
    password: TEST_PASSWORD,
    displayname: 'Lister',
    user_type: 'bot',
    threepids: [{ medium: 'email', address: 'lister@example.org' }],
    external_ids: [],
  })
  t.like(made, {
    name: '@lister:localhost',
    displayname: 'Lister',
    avatar_url: null,
    user_type: 'bot',
    threepids: [{ medium: 'email', address: 'lister@example.org' }],
    admin: false,
    deactivated: false,
  })
  await server.login('lister')
  t.like(await ask('PUT', path, { locked: true, displayname: '' }), { locked: true, displayname: null })
  t.is(await ask('PUT', path, { admin: 'yes' }), '400 M_BAD_JSON')
  t.deepEqual(namesOf(await ask('GET', '/v2/users?user_id=lister')), [])
  t.deepEqual(namesOf(await ask('GET', '/v2/users?user_id=lister&locked=true')), ['@lister:localhost'])
  await ask('PUT', path, { locked: false, deactivated: true })
  t.is(await ask('PUT', path, { displayname: 'Gone', password: TEST_PASSWORD }), '400 M_INVALID_PARAM')
  t.like(await ask('GET', path), { displayname: null })
  t.deepEqual(namesOf(await ask('GET', '/v2/users?name=lister')), [])
  t.deepEqual(namesOf(await ask('GET', '/v2/users?name=lister&deactivated=true')), ['@lister:localhost'])
  t.deepEqual(namesOf(await ask('GET', '/v3/users?name=lister')), ['@lister:localhost'])
  t.deepEqual(namesOf(await ask('GET', '/v3/users?name=lister&deactivated=false')), [])
  t.deepEqual(namesOf(await ask('GET', '/v3/users?deactivated=true&user_id=LISTER')), ['@lister:localhost'])
  t.deepEqual(namesOf(await ask('GET', '/v3/users?name=lister&not_user_type=bot&not_user_type=')), [])
  t.is(await ask('GET', '/v2/users?order_by=shoe_size'), '400 M_INVALID_PARAM')
  t.is(await ask('GET', '/v2/users?from=-1'), '400 M_INVALID_PARAM')
  const page = await ask('GET', '/v3/users?limit=1&dir=b&order_by=creation_ts&guests=false')
  t.like(page, { next_token: '1' })
})

test('what becomes of accounts: suspended, with another password, an administrator, deactivated, erased', async t => {
  const { ask, server, root } = await started()
  const { userId, accessToken: token } = await server.register('subject')
  t.deepEqual(await ask('PUT', `/v1/suspend/${userId}`, { suspend: true }), {
    [`user_${userId}_suspended`]: true,
  })
  t.like(await ask('GET', `/v2/users/${userId}`), { suspended: true })
  await ask('PUT', `/v1/suspend/${userId}`, { suspend: false })
  t.is(await ask('PUT', '/v1/suspend/@nobody:localhost', { suspend: true }), '404 M_NOT_FOUND')

  t.is(await ask('POST', `/v1/reset_password/${userId}`, { new_password: 'short' }), '400 M_WEAK_PASSWORD')
  await ask('POST', `/v1/reset_password/${userId}`, { new_password: 'another password' })
  const whoami = () => server.request('GET', '/_matrix/client/v3/account/whoami', { token })
  t.is((await whoami()).status, 401)
  await server.login('subject', 'another password')

  t.deepEqual(await ask('GET', `/v1/users/${userId}/admin`), { admin: false })
  await ask('PUT', `/v1/users/${userId}/admin`, { admin: true })
  t.deepEqual(await ask('GET', `/v1/users/${userId}/admin`), { admin: true })
  t.is(await ask('PUT', `/v1/users/${root.userId}/admin`, { admin: false }), '400 M_INVALID_PARAM')

  const path = `/v1/deactivate/${userId}`
  t.deepEqual(await ask('POST', path), { id_server_unbind_result: 'success' })
  t.like(await ask('GET', `/v2/users/${userId}`), { deactivated: true, erased: false })
  await ask('POST', path, { erase: true })
  t.like(await ask('GET', `/v2/users/${userId}`), { deactivated: true, erased: true, displayname: null })
})

test('an administrator acts as a user, who sees nothing of it', async t => {
  const { ask, server, root } = await started()
  const { userId } = await server.register('puppet')
  const path = `/v1/users/${userId}/login`
  const answer = await ask('POST', path, {})
  const token = String((answer as AdminAnswer)['access_token'])
  const whoami = await server.request('GET', '/_matrix/client/v3/account/whoami', { token })
  t.deepEqual(whoami.body, { user_id: userId, is_guest: false })
  t.like(await ask('GET', `/v2/users/${userId}/devices`), { total: 1 })
  t.is((await server.request('GET', '/_matrix/client/v3/sync', { token })).status, 200)
  const data = { url: 'https://gateway.test/_matrix/push/v1/notify' }
  const names = { app_display_name: 'A', device_display_name: 'D', lang: 'en' }
  const json = { app_id: 'a', pushkey: 'k', kind: 'http', data, ...names }
  const pusher = await server.request('POST', '/_matrix/client/v3/pushers/set', { token, json })
  t.is(pusher.status, 403, 'nothing would end it with the token')
  await server.request('POST', '/_matrix/client/v3/logout', { token })
  t.is((await server.request('GET', '/_matrix/client/v3/account/whoami', { token })).status, 401)
  t.is(await ask('POST', path, { valid_until_ms: 1 }), '400 M_INVALID_PARAM')
  t.is(await ask('POST', `/v1/users/${root.userId}/login`), '400 M_INVALID_PARAM')
})

test('devices are listed, named, made and removed', async t => {
  const { ask, server } = await started()
  const { userId, deviceId, accessToken: token } = await server.register('owner')
  const path = `/v2/users/${userId}/devices`
  t.like(await ask('GET', path), {
    devices: [{ device_id: deviceId, user_id: userId, display_name: null }],
    total: 1,
  })
  t.is(await ask('GET', '/v2/users/@nobody:localhost/devices'), '404 M_NOT_FOUND')
  await ask('PUT', `${path}/${deviceId}`, { display_name: 'Phone' })
  t.like(await ask('GET', `${path}/${deviceId}`), { display_name: 'Phone' })
  t.is(await ask('PUT', `${path}/NONE`, { display_name: 'Phone' }), '404 M_NOT_FOUND')
  for (const made of ['ONE', 'TWO']) await ask('POST', path, { device_id: made })
  await ask('DELETE', `${path}/ONE`)
  t.is(await ask('GET', `${path}/ONE`), '404 M_NOT_FOUND')
  await ask('POST', `/v2/users/${userId}/delete_devices`, { devices: ['TWO', deviceId] })
  t.like(await ask('GET', path), { total: 0 })
  t.is((await server.request('GET', '/_matrix/client/v3/account/whoami', { token })).status, 401)
})

test('how much a user may send in place of what the settings say', async t => {
  // No second is to pass while three are sent.
  const { ask, server } = await startAdministered({ clock: new FakeClock() })
  t.teardown(server.close)
  const { userId, accessToken: token } = await server.register('talker')
  const path = `/v1/users/${userId}/override_ratelimit`
  const room = await server.request('POST', '/_matrix/client/v3/createRoom', { token, json: {} })
  const { room_id: roomId } = room.body as { room_id: string }
  let sent = 0
  const send = async (): Promise<number> => {
    const target = `/_matrix/client/v3/rooms/${roomId}/send/m.room.message/${sent++}`
    return (await server.request('PUT', target, { token, json: { msgtype: 'm.text', body: 'Hi' } })).status
  }
  t.deepEqual(await ask('GET', path), {})
  const limit = { messages_per_second: 1, burst_count: 2 }
  t.deepEqual(await ask('POST', path, limit), limit)
  t.deepEqual(await ask('GET', path), limit)
  t.deepEqual([await send(), await send(), await send()], [200, 200, 429])
  t.deepEqual(await ask('POST', path), { messages_per_second: 0, burst_count: 0 })
  t.deepEqual([await send(), await send(), await send()], [200, 200, 200])
  await ask('DELETE', path)
  t.deepEqual(await ask('GET', path), {})
  t.is(await ask('POST', path, { messages_per_second: -1 }), '400 M_INVALID_PARAM')
})
