import test from 'ava'
import { bodyOf, codeOf, PASSWORD } from '../../test-kit/accounts.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { CLIENT, openOAuth, REDIRECT, scopeOf, VERIFIER } from '../../test-kit/oauth.ts'

testDatabases(test, 'from registration to revocation, as the specification has it', async (t, database) => {
  const { server, browser, authorizePath, exchange, refresh, whoAmI, form, register, accounts } =
    await openOAuth(t, database)
  const metadata = await server.request('GET', '/_matrix/client/v1/auth_metadata')
  t.is(metadata.status, 200)
  t.is((metadata.body as { token_endpoint: string }).token_endpoint, 'http://localhost:8008/oauth2/token')

  const registered = await register(CLIENT)
  t.is(registered.status, 201)
  t.like(registered.body, { client_name: 'Tea time', application_type: 'web' })
  t.is(
    (await register(CLIENT)).body['client_id'],
    registered.body['client_id'],
    'the same again is one client',
  )

  const path = authorizePath()
  const alice = browser()
  const asked = await alice.get(path)
  t.regex(asked.text, /to go on to Tea time/)
  t.regex(asked.headers.get('content-security-policy') ?? '', /form-action 'self' https:\/\/tea\.example;/)
  const cookie = asked.headers.get('set-cookie') ?? ''
  t.regex(cookie, /^tessera=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
  const wrong = await alice.post(path, { do: 'sign-in', user: 'alice', password: 'not this' })
  t.is(wrong.status, 403)
  t.regex(wrong.text, /role="alert">The user name or password is not right/)
  const signedIn = await alice.post(path, { do: 'sign-in', user: 'alice', password: PASSWORD })
  t.is(signedIn.status, 303)
  t.is(`${signedIn.location?.pathname}${signedIn.location?.search}`, path)
  const consent = await alice.get(path)
  for (const part of [
    'Tea time',
    '@alice:tessera.test',
    'TEAPOT',
    'tea.example',
    'https://tea.example/terms',
  ]) {
    t.true(consent.text.includes(part), part)
  }
  const { location, status } = await alice.post(path, { do: 'allow' })
  t.is(status, 303)
  t.is(`${location?.origin}${location?.pathname}${location?.search}`, REDIRECT)
  const answer = new URLSearchParams(location?.hash.slice(1))
  t.is(answer.get('state'), 'as it was')

  const code = answer.get('code') ?? ''
  const tokens = await exchange(code)
  t.is(tokens.status, 200)
  t.is(tokens.headers.get('cache-control'), 'no-store')
  t.like(tokens.body, { token_type: 'Bearer', expires_in: 3600, scope: scopeOf('TEAPOT') })
  const access = String(tokens.body['access_token'])
  t.like(bodyOf(await whoAmI(access)), { user_id: '@alice:tessera.test', device_id: 'TEAPOT' })
  t.like(await accounts.devices.get('@alice:tessera.test', 'TEAPOT'), { display_name: 'Tea time' })

  const renewed = await refresh(String(tokens.body['refresh_token']))
  t.is(renewed.status, 200)
  t.is(renewed.body['scope'], scopeOf('TEAPOT'))
  const newest = String(renewed.body['access_token'])
  t.is((await whoAmI(newest)).status, 200)
  t.is(codeOf(await whoAmI(access)), '401 M_UNKNOWN_TOKEN')

  const revoked = await form('/oauth2/revoke', { token: newest, token_type_hint: 'access_token' })
  t.is(revoked.status, 200)
  t.is(codeOf(await whoAmI(newest)), '401 M_UNKNOWN_TOKEN')
  t.false(await accounts.hasDevice('@alice:tessera.test', 'TEAPOT'))
  t.is((await form('/oauth2/revoke', { token: newest })).status, 200, 'once more is no error')
})

test('whoever refuses is sent back with that, signed in or not', async t => {
  const { browser, authorizePath } = await openOAuth(t, await testDatabase(t))
  const path = authorizePath({ response_mode: 'query' })
  const visitor = browser()
  await visitor.get(path)
  const { location } = await visitor.post(path, { do: 'deny' })
  t.is(location?.origin, 'https://tea.example')
  t.is(location?.searchParams.get('error'), 'access_denied')
  t.is(location?.searchParams.get('state'), 'as it was')
})

test('requests that are not in order go back to the client, or nowhere', async t => {
  const { browser, authorizePath } = await openOAuth(t, await testDatabase(t))
  const visitor = browser()
  for (const changed of [
    { client_id: 'nobody' },
    { client_id: undefined },
    { redirect_uri: 'https://evil.test/' },
    { redirect_uri: undefined },
    { response_mode: 'form_post' },
  ]) {
    const { status, location } = await visitor.get(authorizePath(changed))
    t.is(status, 400, JSON.stringify(changed))
    t.is(location, undefined)
  }
  for (const [changed, error] of [
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ scope: 'openid' }, 'invalid_scope'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ prompt: 'none' }, 'interaction_required'],
  ] as const) {
    const { status, location } = await visitor.get(authorizePath(changed))
    t.is(status, 303)
    const answer = new URLSearchParams(location?.hash.slice(1))
    t.is(answer.get('error'), error)
    t.is(answer.get('state'), 'as it was')
  }
})

test('no other site can fill in the forms', async t => {
  const { browser, authorizePath } = await openOAuth(t, await testDatabase(t))
  const path = authorizePath()
  const alice = browser()
  await alice.signIn(path)
  await alice.get(path)
  for (const [fields, headers] of [
    [{ form: 'guess' }, {}],
    [{}, { 'Sec-Fetch-Site': 'cross-site' }],
    [{}, { 'Content-Type': 'text/plain' }],
  ] as const) {
    const { status, location } = await alice.post(path, { do: 'allow', ...fields }, headers)
    t.is(status, 403)
    t.is(location, undefined)
  }
  t.is((await alice.post(path, { do: 'allow' })).status, 303)
  // The token of the form belongs to the browser.
  const other = browser()
  t.is((await other.post(path, { do: 'allow' })).status, 403)
})

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
  clock.advance(300_001)
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

test('clients that cannot be registered are told why', async t => {
  const { register } = await openOAuth(t, await testDatabase(t))
  for (const [metadata, error] of [
    ['nonsense', 'invalid_client_metadata'],
    ['[]', 'invalid_client_metadata'],
    ['', 'invalid_client_metadata'],
    [{ ...CLIENT, client_uri: 'http://tea.example/' }, 'invalid_client_metadata'],
    [{ ...CLIENT, redirect_uris: ['https://evil.test/'] }, 'invalid_redirect_uri'],
  ] as const) {
    const { status, body } = await register(metadata)
    t.is(status, 400)
    t.is(body['error'], error)
  }
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

testDatabases(test, 'what is over is removed; clients with a session stay', async (t, database) => {
  const { accounts, session, register, clock, clientId, codeFor, form } = await openOAuth(t, database)
  const unused = String((await register({ ...CLIENT, client_name: 'Coffee break' })).body['client_id'])
  await session()
  await codeFor()
  clock.advance(31 * 86_400_000)
  await accounts.tidy()
  t.is(await accounts.oauth.clients.find(unused), undefined)
  t.not(await accounts.oauth.clients.find(clientId), undefined)
  t.like((await form('/oauth2/device', { client_id: unused, scope: scopeOf('A') })).body, {
    error: 'invalid_client',
  })
})

test('whoever comes too often waits, and no client takes that for the end of its session', async t => {
  const once = { perSecond: 0.001, burst: 1 }
  const { refresh, browser, authorizePath } = await openOAuth(t, await testDatabase(t), {
    // The client that registers at first is one of two.
    rateLimits: { oauth: { perSecond: 0.001, burst: 2 }, login: once },
  })
  t.is((await refresh('tsr_a.tsr_b')).status, 400)
  const limited = await refresh('tsr_a.tsr_b')
  t.is(limited.status, 503)
  t.is(limited.body['error'], 'temporarily_unavailable')
  t.regex(limited.headers.get('retry-after') ?? '', /^\d+$/)
  const visitor = browser()
  const path = authorizePath()
  t.is((await visitor.signIn(path, 'alice', 'wrong')).status, 403)
  const refused = await visitor.signIn(path)
  t.is(refused.status, 429)
  t.regex(refused.text, /Too many attempts/)
})

test('a client that shows a password is asked for none', async t => {
  const { server } = await openOAuth(t, await testDatabase(t))
  const { status, headers } = await fetch(`${server.url}/oauth2/token`, {
    method: 'POST',
    headers: { Authorization: 'Basic dGVhOnRpbWU=' },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x' }),
  })
  t.is(status, 401)
  t.regex(headers.get('www-authenticate') ?? '', /^Basic /)
})
