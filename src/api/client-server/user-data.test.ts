import test from 'ava'
import { alice, bodyOf, openAccounts as open, SERVER_NAME } from '../../test-kit/accounts.ts'
import { codeOf } from '../../test-kit/http.ts'

test('profiles: display name, avatar, any further field, and their limits', async t => {
  const { server, send, register } = await open(t)
  const { access_token: token } = await register('alice')
  await register('bob')
  const put = (key: string, value: unknown, user = alice) =>
    send('PUT', `/profile/${user}/${encodeURIComponent(key)}`, token, { [key]: value })
  const get = (key: string) => send('GET', `/profile/${alice}${key}`)
  t.deepEqual((await get('/displayname')).body, { displayname: 'alice' })
  for (const [key, value] of [
    ['displayname', 'Alice 🐇'],
    ['avatar_url', 'mxc://tessera.test/abc'],
    ['m.tz', 'Europe/Berlin'],
    ['org.example.my-field_2', { any: ['json', null, 1.5] }],
    ['org.example.null', null],
  ] as const) {
    t.is((await put(key, value)).status, 200, key)
    t.deepEqual((await get(`/${key}`)).body, { [key]: value })
  }
  t.is(Object.keys((await get('')).body as object).length, 5)
  const unstable = `/_matrix/client/unstable/uk.tcpip.msc4133/profile/${alice}/m.tz`
  t.deepEqual((await server.request('GET', unstable)).body, { 'm.tz': 'Europe/Berlin' })
  t.is((await put('avatar_url', '')).status, 200)
  t.is(codeOf(await get('/avatar_url')), '404 M_NOT_FOUND')
  t.is((await send('DELETE', `/profile/${alice}/m.tz`, token)).status, 200)
  t.is((await send('DELETE', `/profile/${alice}/m.tz`, token)).status, 200, 'again')
  t.is(codeOf(await get('/m.tz')), '404 M_NOT_FOUND')

  t.is(codeOf(await put('displayname', 7)), '400 M_BAD_JSON')
  t.is(codeOf(await put('displayname', 'x'.repeat(257))), '400 M_INVALID_PARAM')
  t.is(codeOf(await put('avatar_url', 'https://x.test/a')), '400 M_INVALID_PARAM')
  t.is(codeOf(await put('nodots', 1)), '400 M_INVALID_PARAM')
  t.is(codeOf(await put(`org.${'x'.repeat(252)}`, 1)), '400 M_KEY_TOO_LARGE')
  for (const size of [65_500, 70_000])
    t.is(codeOf(await put('org.big', 'x'.repeat(size))), '400 M_PROFILE_TOO_LARGE')
  t.is(codeOf(await send('PUT', `/profile/${alice}/displayname`, token, { other: 1 })), '400 M_MISSING_PARAM')
  t.is(codeOf(await put('displayname', 'Hi', `@bob:${SERVER_NAME}`)), '403 M_FORBIDDEN')
  for (const missing of [`@nobody:${SERVER_NAME}`, '@remote:elsewhere.test']) {
    t.is(codeOf(await send('GET', `/profile/${missing}`)), '404 M_NOT_FOUND')
  }
  t.is(codeOf(await send('GET', '/profile/@nobody')), '400 M_INVALID_PARAM')
  t.is(codeOf(await send('GET', `/profile/${alice}/__proto__`)), '404 M_NOT_FOUND')
})

test('account data, global and per room', async t => {
  const { server, send, register } = await open(t)
  const { access_token: token } = await register('alice')
  const path = (suffix: string, user = alice) => `/user/${encodeURIComponent(user)}${suffix}`
  const global = path('/account_data/org.example.x')
  const room = path('/rooms/!room:tessera.test/account_data/org.example.x')
  for (const [where, content] of [
    [global, { a: [1, { b: null }] }],
    [room, { c: 'ü' }],
  ] as const) {
    t.is(codeOf(await send('GET', where, token)), '404 M_NOT_FOUND')
    t.is((await send('PUT', where, token, content)).status, 200)
    t.deepEqual((await send('GET', where, token)).body, content)
  }
  const unstable = (where: string) => `/_matrix/client/unstable/org.matrix.msc3391${where}`
  for (const where of [global, room]) {
    for (const _ of ['deleted', 'again']) {
      t.deepEqual((await server.request('DELETE', unstable(where), { token })).body, {})
      t.is(codeOf(await send('GET', where, token)), '404 M_NOT_FOUND')
    }
    await send('PUT', where, token, { again: true })
    await send('PUT', where, token, {})
    t.deepEqual((await send('GET', where, token)).body, {}, 'what is empty is there')
    await send('PUT', where, token, { again: true })
  }
  const ofBob = unstable(path('/account_data/x', `@bob:${SERVER_NAME}`))
  t.is(codeOf(await server.request('DELETE', ofBob, { token })), '403 M_FORBIDDEN')
  const managed = unstable(path('/account_data/m.push_rules'))
  t.is(codeOf(await server.request('DELETE', managed, { token })), '405 M_BAD_JSON')
  for (const type of ['m.fully_read', 'm.push_rules']) {
    t.is(codeOf(await send('PUT', path(`/account_data/${type}`), token, {})), '405 M_BAD_JSON')
  }
  t.is(codeOf(await send('PUT', global, token, [])), '400 M_BAD_JSON')
  t.is(codeOf(await send('PUT', path('/rooms/nope/account_data/x'), token, {})), '400 M_INVALID_PARAM')
  t.is(codeOf(await send('GET', path('/rooms/nope/account_data/x'), token)), '400 M_INVALID_PARAM')
  t.is(codeOf(await send('PUT', path(`/account_data/${'x'.repeat(256)}`), token, {})), '400 M_INVALID_PARAM')
  const others = path('/account_data/org.example.x', `@bob:${SERVER_NAME}`)
  t.is(codeOf(await send('GET', others, token)), '403 M_FORBIDDEN')
  t.is(codeOf(await send('PUT', others, token, {})), '403 M_FORBIDDEN')
})

test('account data is no more than a client that begins anew can be given', async t => {
  const { send, register } = await open(t)
  const { access_token: token } = await register('alice')
  const put = async (type: string, length: number, room = '') =>
    codeOf(
      await send('PUT', `/user/${alice}${room}/account_data/${type}`, token, { text: 'x'.repeat(length) }),
    )
  let taken = 0
  while (taken < 100 && (await put(`large${taken}`, 1_000_000)) === '200 -') taken++
  t.is(taken, 33, '32 MiB')
  t.is(await put('other', 1_000_000, '/rooms/!room:tessera.test'), '403 M_USER_LIMIT_EXCEEDED')
  t.is(await put('large0', 1_000_000), '200 -', 'what is there may be changed')
  t.is(await put('large0', 1_000), '200 -')
  t.is(await put('other', 900_000), '200 -', 'and make room')
})

test('filters keep what they were given, under an ID that follows from it', async t => {
  const { post, send, register } = await open(t)
  const { access_token: token } = await register('alice')
  const path = `/user/${alice}/filter`
  const filter = { room: { timeline: { limit: 5, 'org.example.own': true } }, event_fields: ['content.body'] }
  const define = async (json: object) => bodyOf(await post(path, json, token))['filter_id']
  const id = await define(filter)
  t.regex(String(id), /^[\w-]+$/)
  t.is(await define(filter), id)
  t.not(await define({}), id)
  t.deepEqual((await send('GET', `${path}/${id}`, token)).body, filter)
  t.is(codeOf(await send('GET', `${path}/none`, token)), '404 M_NOT_FOUND')
  t.is(codeOf(await post(path, { room: { timeline: { limit: 'many' } } }, token)), '400 M_BAD_JSON')
  t.is(codeOf(await post(`/user/@bob:${SERVER_NAME}/filter`, {}, token)), '403 M_FORBIDDEN')
})

test('capabilities are what the server can do', async t => {
  const { send, register } = await open(t)
  const { access_token: token } = await register('alice')
  const { capabilities } = bodyOf(await send('GET', '/capabilities', token)) as unknown as {
    capabilities: Record<string, { enabled: boolean; default: string; available: Record<string, string> }>
  }
  t.true(capabilities['m.change_password']?.enabled)
  t.true(capabilities['m.get_login_token']?.enabled)
  t.false(capabilities['m.3pid_changes']?.enabled)
  const versions = capabilities['m.room_versions']
  t.is(versions?.available[versions.default], 'stable')
})
