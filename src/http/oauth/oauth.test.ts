import test from 'ava'
import { bodyOf, PASSWORD } from '../../test-kit/accounts.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { codeOf } from '../../test-kit/http.ts'
import { CLIENT, openOAuth, REDIRECT, scopeOf } from '../../test-kit/oauth.ts'

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

test('whom a client names is filled in', async t => {
  const { browser, authorizePath } = await openOAuth(t, await testDatabase(t))
  const filledIn = async (hint: string) =>
    /name="user" value="([^"]*)"/.exec((await browser().get(authorizePath({ login_hint: hint }))).text)?.[1]
  t.is(await filledIn('mxid:@alice:tessera.test'), 'alice')
  t.is(await filledIn('mxid:@"><x>:tessera.test'), '&quot;&gt;&lt;x&gt;')
  for (const other of ['mxid:@alice:elsewhere.test', 'alice@tessera.test', 'mxid:'])
    t.is(await filledIn(other), '')
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

testDatabases(test, 'what is over is removed; clients with a session stay', async (t, database) => {
  const { accounts, session, register, clock, clientId, codeFor, form } = await openOAuth(t, database)
  const unused = String((await register({ ...CLIENT, client_name: 'Coffee break' })).body['client_id'])
  await session()
  await codeFor()
  await clock.advance(31 * 86_400_000)
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
