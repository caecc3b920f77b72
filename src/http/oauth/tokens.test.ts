/** What a client gets for a code, and what ends it. */
import test from 'ava'
import { alice, bodyOf, PASSWORD } from '../../test-kit/accounts.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { codeOf } from '../../test-kit/http.ts'
import { CLIENT, openOAuth, scopeOf, VERIFIER } from '../../test-kit/oauth.ts'

test('a code is good once, for a while, and for who asked', async t => {
  const { codeFor, exchange, whoAmI, clock, register } = await openOAuth(t, await testDatabase(t))
  const code = await codeFor()
  const other = await register({ ...CLIENT, client_name: 'Coffee break' })
  for (const changed of [
    { code_verifier: `${VERIFIER}x` },
    { redirect_uri: 'https://app.tea.example/callback?from=tessera' },
    { client_id: String(other.body['client_id']) },
    { code: 'tsr_guess' },
  ]) {
    t.like((await exchange(code, changed)).body, { error: 'invalid_grant' }, JSON.stringify(changed))
  }
  const { body } = await exchange(code)
  t.is((await whoAmI(String(body['access_token']))).status, 200)
  t.like((await exchange(code)).body, { error: 'invalid_grant' })
  // "SHOULD revoke (when possible) all tokens previously issued based on that authorization code".
  t.is(codeOf(await whoAmI(String(body['access_token']))), '401 M_UNKNOWN_TOKEN')
  const late = await codeFor()
  await clock.advance(300_001)
  t.like((await exchange(late)).body, { error: 'invalid_grant' })
})

test('refresh tokens: a lost answer is no loss, an old one ends the session', async t => {
  const { session, refresh, whoAmI, token, register, server } = await openOAuth(t, await testDatabase(t))
  const first = await session()
  const lost = await refresh(first.refresh)
  const again = await refresh(first.refresh)
  t.is(lost.status, 200)
  t.is(again.status, 200)
  t.is((await whoAmI(String(again.body['access_token']))).status, 200)
  const { body: client } = await register({ ...CLIENT, client_name: 'Coffee break' })
  const stolen = await token({
    grant_type: 'refresh_token',
    refresh_token: String(again.body['refresh_token']),
    client_id: String(client['client_id']),
  })
  t.like(stolen.body, { error: 'invalid_grant' })
  const legacy = await server.request('POST', '/_matrix/client/v3/refresh', {
    json: { refresh_token: again.body['refresh_token'] },
  })
  t.is(codeOf(legacy), '401 M_UNKNOWN_TOKEN', 'the two APIs do not mix')
  t.is((await whoAmI(String(again.body['access_token']))).status, 200)

  t.like((await refresh(first.refresh)).body, { error: 'invalid_grant' })
  t.is(codeOf(await whoAmI(String(again.body['access_token']))), '401 M_UNKNOWN_TOKEN')
  t.like((await refresh(String(again.body['refresh_token']))).body, { error: 'invalid_grant' })
})

test('the token endpoint answers what is not in order with the standard errors', async t => {
  const { token, form, server } = await openOAuth(t, await testDatabase(t))
  for (const [fields, status, error] of [
    [{}, 400, 'invalid_request'],
    [{ grant_type: 'password' }, 400, 'unsupported_grant_type'],
    [{ grant_type: 'authorization_code' }, 400, 'invalid_request'],
    [{ grant_type: 'refresh_token' }, 400, 'invalid_request'],
    [{ grant_type: 'refresh_token', refresh_token: 'tsr_a.tsr_b' }, 400, 'invalid_grant'],
    [{ grant_type: 'refresh_token', refresh_token: 'nonsense' }, 400, 'invalid_grant'],
    [{ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'nobody' }, 401, 'invalid_client'],
    [{ grant_type: 'refresh_token', refresh_token: 'x', client_id: '' }, 401, 'invalid_client'],
  ] as const) {
    const answer = await token(fields as Record<string, string>)
    t.is(answer.status, status, JSON.stringify(fields))
    t.is(answer.body['error'], error, JSON.stringify(fields))
    t.regex(String(answer.body['error_description']), /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
  }
  const json = await fetch(`${server.url}/oauth2/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"grant_type":"refresh_token"}',
  })
  t.is(json.status, 400)
  t.like(await json.json(), { error: 'invalid_request' })
  t.like((await form('/oauth2/revoke', {})).body, { error: 'invalid_request' })
  const hinted = await form('/oauth2/revoke', { token: 'x', token_type_hint: 'id_token' })
  t.like(hinted.body, { error: 'unsupported_token_type' })
  const large = await form('/oauth2/token', { grant_type: 'x'.repeat(40_000) })
  t.is(large.status, 413)
})

test('a session of a client cannot do what needs interactive authentication, and says so', async t => {
  const { session, server, accounts } = await openOAuth(t, await testDatabase(t))
  const { access } = await session()
  const send = (method: string, path: string, json: unknown) =>
    server.request(method, `/_matrix/client/v3${path}`, { json, token: access })
  for (const [method, path, json] of [
    ['POST', '/account/password', { new_password: 'another good one' }],
    ['POST', '/account/deactivate', {}],
    ['POST', '/delete_devices', { devices: ['TEAPOT'] }],
    ['DELETE', '/devices/TEAPOT', {}],
    ['POST', '/account/3pid/add', { sid: 'x', client_secret: 'y' }],
  ] as const) {
    t.is(codeOf(await send(method, path, json)), '403 M_FORBIDDEN', path)
  }
  const path = '/_matrix/client/v1/login/get_token'
  t.is(codeOf(await server.request('POST', path, { json: {}, token: access })), '400 M_UNKNOWN')
  const { capabilities } = bodyOf(
    await server.request('GET', '/_matrix/client/v3/capabilities', { token: access }),
  ) as unknown as { capabilities: Record<string, { enabled: boolean }> }
  for (const name of ['m.change_password', 'm.3pid_changes', 'm.get_login_token']) {
    t.false(capabilities[name]?.enabled, name)
  }
  t.is((await server.request('POST', '/_matrix/client/v3/logout', { token: access, json: {} })).status, 200)
  t.false(await accounts.hasDevice('@alice:tessera.test', 'TEAPOT'))
})

test('locked accounts keep their sessions for when they are unlocked; deactivated ones have none', async t => {
  const { session, refresh, codeFor, exchange, accounts, browser, authorizePath } = await openOAuth(
    t,
    await testDatabase(t),
  )
  const alice = '@alice:tessera.test'
  const first = await session()
  const code = await codeFor({ scope: scopeOf('KETTLE') })
  await accounts.setFlag(alice, 'is_locked', true)
  const locked = await refresh(first.refresh)
  t.is(locked.status, 503)
  t.is(locked.body['error'], 'temporarily_unavailable')
  t.is((await exchange(code)).status, 503)
  const visitor = browser()
  const refused = await visitor.signIn(authorizePath())
  t.regex(refused.text, /This account is locked/)
  await accounts.setFlag(alice, 'is_locked', false)
  t.is((await refresh(first.refresh)).status, 200)
  t.is((await exchange(code)).status, 200)
  const granted = await codeFor({ scope: scopeOf('CUP') })
  await accounts.management.deactivate(alice, { erase: false })
  t.like((await exchange(granted)).body, { error: 'invalid_grant' })
  t.like((await refresh(first.refresh)).body, { error: 'invalid_grant' })
})

test('a new password ends what was granted before, and browsers that are signed in', async t => {
  const { codeFor, exchange, accounts, browser, authorizePath } = await openOAuth(t, await testDatabase(t))
  const visitor = browser()
  await visitor.signIn(authorizePath())
  t.regex((await visitor.get(authorizePath())).text, /Let Tea time use your account/)
  const code = await codeFor()
  await accounts.management.setPassword('@alice:tessera.test', 'another good one', { logoutDevices: false })
  t.like((await exchange(code)).body, { error: 'invalid_grant' })
  t.regex((await visitor.get(authorizePath())).text, /Sign in to tessera.test/)
})

test('who revokes a token by which an administrator acts as somebody ends that one alone', async t => {
  const { accounts, form, whoAmI } = await openOAuth(t, await testDatabase(t))
  const root = await accounts.createUser({ username: 'root', password: PASSWORD, isAdmin: true })
  const administrator = { userId: root, deviceId: undefined, tokenId: 'x', isGuest: false, isAdmin: true }
  const act = () => accounts.administered.actAs(administrator, alice, undefined)
  const [first, second] = [await act(), await act()]
  const told: unknown[] = []
  accounts.hooks.onDevicesChange = (_userId, change) => {
    told.push(change)
    return []
  }
  t.is((await form('/oauth2/revoke', { token: first })).status, 200)
  t.is(codeOf(await whoAmI(first)), '401 M_UNKNOWN_TOKEN')
  t.is((await whoAmI(second)).status, 200)
  t.deepEqual(told, [], 'no device is gone')
})
