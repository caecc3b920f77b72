import test from 'ava'
import { alice, bodyOf, openAccounts as open, PASSWORD, SERVER_NAME } from '../../test-kit/accounts.ts'
import type { TestServer } from '../../test-kit/http.ts'
import { codeOf } from '../../test-kit/http.ts'

const passwordOf = (user: string, session?: string, password = PASSWORD) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user },
  password,
  ...(session === undefined ? {} : { session }),
})

test('log in by any name for oneself; the unknown and the wrong are told apart by nobody', async t => {
  const { post, register } = await open(t)
  await register('alice')
  const type = 'm.login.password'
  for (const who of [
    { identifier: { type: 'm.id.user', user: 'alice' } },
    { identifier: { type: 'm.id.user', user: alice } },
    { identifier: { type: 'm.id.user', user: 'Alice' } },
    { user: 'alice' },
    { user: alice },
  ]) {
    const response = await post('/login', { type, password: PASSWORD, ...who })
    t.is(response.status, 200, JSON.stringify(who))
    t.is(bodyOf(response).user_id, alice)
  }
  const wrong = await post('/login', { type, user: 'alice', password: 'wrong password' })
  t.is(codeOf(wrong), '403 M_FORBIDDEN')
  for (const user of [
    'nobody',
    '@alice:elsewhere.test',
    'alice:elsewhere.test',
    `@nobody:${SERVER_NAME}`,
    '',
  ]) {
    const response = await post('/login', { type, user, password: PASSWORD })
    t.deepEqual(response.body, wrong.body, user)
  }
  const thirdParty = { type: 'm.id.thirdparty', medium: 'email', address: 'a@b.test' }
  t.is(codeOf(await post('/login', { type, identifier: thirdParty, password: PASSWORD })), '403 M_FORBIDDEN')
  const unknown = { type: 'm.id.passport', user: 'alice' }
  t.is(codeOf(await post('/login', { type, identifier: unknown, password: PASSWORD })), '400 M_INVALID_PARAM')
  t.is(codeOf(await post('/login', { type, user: 'alice' })), '400 M_MISSING_PARAM')
  t.is(codeOf(await post('/login', { type: 'm.login.magic' })), '400 M_UNKNOWN')
  t.is(codeOf(await post('/login', {})), '400 M_MISSING_PARAM')
})

test('as many as share an address renew their tokens, whoever else may log in from there', async t => {
  const rateLimits = { login: { perSecond: 0.001, burst: 1 } }
  const { post, register } = await open(t, { registration: { mode: 'open' }, rateLimits })
  let { refresh_token } = await register('alice', { refresh_token: true })
  for (let nr = 0; nr < 3; nr++) {
    const renewed = await post('/refresh', { refresh_token })
    t.is(renewed.status, 200)
    refresh_token = bodyOf(renewed).refresh_token
  }
})

test('refresh, soft logout, logout and logout everywhere', async t => {
  const { clock, post, send, register } = await open(t)
  const first = await register('alice', { refresh_token: true })
  const second = bodyOf(await post('/login', { type: 'm.login.password', user: 'alice', password: PASSWORD }))
  await clock.advance(3_600_000)
  const expired = await send('GET', '/account/whoami', first.access_token)
  t.is(codeOf(expired), '401 M_UNKNOWN_TOKEN')
  t.true(bodyOf(expired)['soft_logout'])
  const refreshed = bodyOf(await post('/refresh', { refresh_token: first['refresh_token'] }))
  t.is((await send('GET', '/account/whoami', refreshed.access_token)).status, 200)
  const reused = await post('/refresh', { refresh_token: first['refresh_token'] })
  t.is(codeOf(reused), '401 M_UNKNOWN_TOKEN')

  t.deepEqual((await post('/logout', {}, second.access_token)).body, {})
  const gone = await send('GET', '/account/whoami', second.access_token)
  t.is(codeOf(gone), '401 M_UNKNOWN_TOKEN')
  t.false(bodyOf(gone)['soft_logout'])
  t.is((await send('GET', '/account/whoami', refreshed.access_token)).status, 200)
  t.is((await post('/logout/all', {}, refreshed.access_token)).status, 200)
  t.is(codeOf(await send('GET', '/account/whoami', refreshed.access_token)), '401 M_UNKNOWN_TOKEN')
  t.is(codeOf(await send('GET', '/account/whoami')), '401 M_MISSING_TOKEN')
})

test('a locked account may only log out', async t => {
  const { accounts, post, send, register } = await open(t)
  const { access_token } = await register('alice', { refresh_token: true })
  await accounts.setFlag(alice, 'is_locked', true)
  const locked = await send('GET', '/account/whoami', access_token)
  t.is(codeOf(locked), '401 M_USER_LOCKED')
  t.true(bodyOf(locked)['soft_logout'])
  t.is((await post('/logout/all', {}, access_token)).status, 200)
})

test('devices are listed, named, and deleted after a password', async t => {
  const { clock, post, send, register } = await open(t)
  const { access_token: token } = await register('alice', {
    device_id: 'ONE',
    initial_device_display_name: 'Phone',
  })
  const other = bodyOf(
    await post('/login', { type: 'm.login.password', user: 'alice', password: PASSWORD, device_id: 'TWO' }),
  )
  t.is((await send('PUT', '/devices/TWO', token, { display_name: 'Laptop' })).status, 200)
  t.is((await send('PUT', '/devices/TWO', token, {})).status, 200)
  t.is(codeOf(await send('PUT', '/devices/NONE', token, {})), '404 M_NOT_FOUND')
  t.is(
    codeOf(await send('PUT', '/devices/TWO', token, { display_name: 'x'.repeat(101) })),
    '400 M_INVALID_PARAM',
  )
  t.deepEqual(
    (await send('GET', '/devices/TWO', token)).body,
    { device_id: 'TWO', display_name: 'Laptop', last_seen_ip: '127.0.0.1', last_seen_ts: clock.now() },
    'seen when it logged in, without any request since',
  )
  t.like((await send('GET', '/devices', token)).body as object, {
    devices: [{ device_id: 'ONE' }, { device_id: 'TWO' }],
  })
  t.is(codeOf(await send('GET', '/devices/NONE', token)), '404 M_NOT_FOUND')

  const challenge = await send('DELETE', '/devices/TWO', token)
  t.is(codeOf(challenge), '401 -')
  t.deepEqual(bodyOf(challenge).flows, [{ stages: ['m.login.password'] }])
  const { session } = bodyOf(challenge)
  const confirm = (auth: object, device = 'TWO', by = token) =>
    send('DELETE', `/devices/${device}`, by, { auth })
  const wrong = await confirm(passwordOf('alice', session, 'wrong password'))
  t.is(codeOf(wrong), '401 M_FORBIDDEN')
  t.is(bodyOf(wrong).session, session)
  await register('mallory')
  t.is(codeOf(await confirm(passwordOf('mallory', session))), '401 M_FORBIDDEN', 'somebody else’s password')
  const unknown = { type: 'm.id.thirdparty', medium: 'email', address: 'a@b.test' }
  const byAddress = { ...passwordOf('alice', session), identifier: unknown }
  t.is(codeOf(await confirm(byAddress)), '403 M_FORBIDDEN', 'nobody has this address')
  t.is(codeOf(await confirm(passwordOf('alice', session), 'ONE')), '403 M_FORBIDDEN', 'another request')
  t.is((await send('GET', '/account/whoami', other.access_token)).status, 200)
  t.is((await confirm(passwordOf(alice, session))).status, 200)
  t.is(codeOf(await send('GET', '/account/whoami', other.access_token)), '401 M_UNKNOWN_TOKEN')
  t.is((await confirm(passwordOf(alice, session))).status, 200, 'the same again, for who lost the answer')
  const bulk = { devices: ['ONE', 'GONE'], auth: { ...passwordOf('alice') } }
  t.is((await post('/delete_devices', bulk, token)).status, 200)
  t.is(codeOf(await send('GET', '/devices', token)), '401 M_UNKNOWN_TOKEN')
})

test('a device was seen when its user registered, and when a guest did', async t => {
  const { clock, accounts, register, post } = await open(t, { registration: { mode: 'open', guests: true } })
  await register('alice', { device_id: 'ONE' })
  const guest = bodyOf(await post('/register?kind=guest', {}))
  for (const [userId, deviceId] of [
    [alice, 'ONE'],
    [guest.user_id, guest.device_id],
  ]) {
    t.like(await accounts.devices.get(String(userId), String(deviceId)), {
      last_seen_ip: '127.0.0.1',
      last_seen_ts: clock.now(),
    })
  }
})

test('a session is good for one user, and for the body that it was confirmed with', async t => {
  const { post, register } = await open(t)
  const { access_token: token } = await register('alice')
  const { access_token: mallory } = await register('mallory')
  const { session } = bodyOf(await post('/delete_devices', { devices: [] }, token))
  const auth = passwordOf('alice', session)
  t.is(codeOf(await post('/delete_devices', { devices: ['A'], auth }, mallory)), '403 M_FORBIDDEN')
  t.is((await post('/delete_devices', { devices: ['A'], auth }, token)).status, 200)
  t.is(codeOf(await post('/delete_devices', { devices: ['B'], auth }, token)), '403 M_FORBIDDEN')
  t.is((await post('/delete_devices', { devices: ['A'], auth }, token)).status, 200)
})

test('a password is changed by its owner, who stays logged in', async t => {
  const { post, send, register } = await open(t)
  const mine = await register('alice')
  const other = bodyOf(await post('/login', { type: 'm.login.password', user: 'alice', password: PASSWORD }))
  const next = 'battery staple horse'
  t.is(
    codeOf(await post('/account/password', { new_password: 'x' }, mine.access_token)),
    '400 M_WEAK_PASSWORD',
  )
  const ask = await post(
    '/account/password',
    { new_password: next, logout_devices: false },
    mine.access_token,
  )
  const auth = passwordOf('alice', bodyOf(ask).session)
  const change = { new_password: next, logout_devices: false, auth }
  t.is((await post('/account/password', change, mine.access_token)).status, 200)
  t.is((await send('GET', '/account/whoami', other.access_token)).status, 200)
  const login = (password: string) => post('/login', { type: 'm.login.password', user: 'alice', password })
  t.is(codeOf(await login(PASSWORD)), '403 M_FORBIDDEN')
  t.is((await login(next)).status, 200)
  const back = { new_password: PASSWORD, auth: passwordOf('alice', undefined, next) }
  t.is((await post('/account/password', back, mine.access_token)).status, 200)
  t.is((await send('GET', '/account/whoami', mine.access_token)).status, 200)
  t.is(codeOf(await send('GET', '/account/whoami', other.access_token)), '401 M_UNKNOWN_TOKEN')
  // Without a session of one's own it ends them all.
  t.is(codeOf(await post('/account/password', { new_password: next })), '401 -')
  const unknown = { new_password: next, auth: passwordOf('nobody') }
  t.is(codeOf(await post('/account/password', unknown)), '401 M_FORBIDDEN')
  t.is((await post('/account/password', { new_password: next, auth: passwordOf('alice') })).status, 200)
  t.is(codeOf(await send('GET', '/account/whoami', mine.access_token)), '401 M_UNKNOWN_TOKEN')
})

/** A token that logs Alice in once more. */
const getLoginToken = async (server: TestServer, token: string) => {
  const json = { auth: passwordOf('alice') }
  return bodyOf(await server.request('POST', '/_matrix/client/v1/login/get_token', { json, token }))[
    'login_token'
  ]
}

test('a deactivated account is over', async t => {
  const { post, send, server, register } = await open(t)
  const { access_token: token } = await register('alice')
  const loginToken = await getLoginToken(server, token)
  const { session } = bodyOf(await post('/account/deactivate', {}, token))
  const auth = passwordOf('alice', session)
  const done = await post('/account/deactivate', { erase: true, auth }, token)
  t.deepEqual(done.body, { id_server_unbind_result: 'success' })
  t.is(codeOf(await send('GET', '/account/whoami', token)), '401 M_UNKNOWN_TOKEN')
  t.is(
    codeOf(await post('/login', { type: 'm.login.password', user: 'alice', password: PASSWORD })),
    '403 M_FORBIDDEN',
    'without a password nobody can show that it is theirs',
  )
  t.is(codeOf(await post('/login', { type: 'm.login.token', token: loginToken })), '403 M_USER_DEACTIVATED')
  t.is(codeOf(await post('/register', { username: 'alice' })), '400 M_USER_IN_USE')
})

test('a login token takes a confirmation each', async t => {
  const { post, server, register } = await open(t)
  const { access_token: token } = await register('alice')
  const get = (json: object) => server.request('POST', '/_matrix/client/v1/login/get_token', { json, token })
  const { session } = bodyOf(await get({}))
  const given = await get({ auth: passwordOf('alice', session) })
  t.like(bodyOf(given), { expires_in_ms: 120_000 })
  t.is(codeOf(await get({ auth: passwordOf('alice', session) })), '401 M_FORBIDDEN', 'used up')
  const login = { type: 'm.login.token', token: bodyOf(given)['login_token'] }
  t.is(bodyOf(await post('/login', login)).user_id, alice)
  t.is(codeOf(await post('/login', login)), '403 M_FORBIDDEN')
})
